"""The corpus: valid configs raise no alarm; each fault is found at its place, with the name that was meant."""

from collections import Counter

import pytest

from tests.engine.corpus import TYPES, VALID, all_faults
from tests.engine.nasty import NASTY
from tipi.errors import ConfigError, ConfigProblems
from tipi_core.config.reading import raise_problems, read_pipeline
from tipi_core.plan import Resolver, make_plan
from tipi_core.plugins import PluginHost
from tipi_core.project.settings import open_project

FAULTS = all_faults()


@pytest.fixture(scope="module")
def check(tmp_path_factory):
    """Return every problem of a config's text, as a report would show them."""
    root = tmp_path_factory.mktemp("corpus")
    (root / "configs").mkdir()
    (root / "types_of_the_corpus.py").write_text(TYPES)
    resolver = Resolver(open_project(root), PluginHost.load(only=["builtin"]))
    path = root / "configs" / "it.toml"

    def check(text):
        path.write_bytes(text.encode("utf-8"))
        try:
            config, problems = read_pipeline("it", path)
            raise_problems(make_plan(config, resolver, problems).problems, path)
        except ConfigProblems as error:
            return list(error.problems)
        except ConfigError as error:
            return [error]
        return []

    return check


def place(problem):
    return tuple(int(part) for part in problem.where.rpartition(".toml:")[2].split(":"))


def found(fault, problems):
    return [p for p in problems if place(p) == (fault.line, fault.column) and fault.message in p.what]


@pytest.mark.parametrize(("data", "style"), VALID, ids=[f"{i}-{style.__name__}" for i, (_, style) in enumerate(VALID)])
def test_no_false_alarm(check, data, style):
    assert [str(problem) for problem in check(style(data))] == []


def test_the_corpus_is_large():
    assert len(VALID) == 40
    assert len(FAULTS) >= 1000
    assert len(NASTY) >= 60
    kinds = Counter(fault.kind for fault in FAULTS)
    assert set(kinds) == {"section", "type", "swapped", "key", "parameter", "value"}


@pytest.mark.parametrize("kind", ["section", "type", "swapped", "key", "parameter", "value"])
def test_every_fault_is_found_at_its_place_and_most_get_the_right_name_first(check, kind):
    chosen = [fault for fault in FAULTS if fault.kind == kind]
    right = alone = 0
    for fault in chosen:
        problems = check(fault.text)
        hits = found(fault, problems)
        assert len(hits) == 1, (fault, [str(problem) for problem in problems])
        assert len(problems) <= 2, (fault, [str(problem) for problem in problems])
        alone += len(problems) == 1
        right += fault.meant is None or f"did you mean {fault.meant!r}" in (hits[0].hint or "")
    assert right >= 0.9 * len(chosen), f"{right} of {len(chosen)}"
    assert alone >= 0.9 * len(chosen), f"{alone} of {len(chosen)} without a second message"


@pytest.mark.parametrize(("text", "messages"), NASTY, ids=range(len(NASTY)))
def test_nasty_ones(check, text, messages):
    wanted = []
    for number, line in enumerate(text.split("\n"), 1):
        clean = line
        while "«" in clean:
            wanted.append((number, clean.index("«") + 1))
            clean = clean.replace("«", "", 1)
    problems = check(text.replace("«", ""))
    shown = [str(problem) for problem in problems]
    got = [place(problem) for problem in problems]
    assert sorted(got) == sorted([*wanted, *[(1, 1)] * (len(messages) - len(wanted))]), shown
    for message in messages:
        assert any(message in str(problem) for problem in problems), (message, shown)
