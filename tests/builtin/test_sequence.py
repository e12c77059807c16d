"""The process Sequence: functions that are called one after another."""

from __future__ import annotations

import pytest

from tipi import PipelineRunner
from tipi.errors import ConfigError

PIPELINE = """
[permanences.data]
type = "Data"
params = { dataset = "synthetic", options = { size = 40 } }

[processes.first]
type = "Sequence"
params = { functions = ["mine:count", "mine:halve", "mine:report"], arguments = { halve = { by = 4 } } }

[processes.second]
type = "Sequence"
params = { functions = ["mine:look_back"] }
"""

MINE = """
def count(data):
    return len(data.train_loader.dataset)


def halve(count, by: int = 2):
    return count // by


def report(halve, controller, unit="items"):
    return f"{halve} {unit} on {controller.config.name}"


def look_back(first):
    return first["report"]


def fails(count):
    raise ValueError("nothing to count")


number = 3
"""


@pytest.fixture(autouse=True)
def _project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "steps.toml").write_text(PIPELINE)
    (tmp_path / "mine.py").write_text(MINE)


def run(**overrides):
    return PipelineRunner("steps", overrides={f"first.{key}": value for key, value in overrides.items()}).run()


def test_functions_get_permanences_arguments_and_earlier_results():
    result = run()
    assert result["first"] == {"count": 28, "halve": 7, "report": "7 items on steps"}
    assert result["second"] == {"look_back": "7 items on steps"}


def test_an_error_of_a_function_is_the_users_own():
    with pytest.raises(ValueError, match="nothing to count") as caught:
        run(functions=["mine:count", "mine:halve", "mine:fails"])
    assert any("process 'first'" in note for note in caught.value.__notes__)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"functions": []}, "a Sequence has no functions"),
        ({"functions": ["count"]}, "there is no function 'count', .*or write module:name"),
        ({"functions": ["mine:number"]}, "function 'mine:number' is a int, which cannot be called"),
        ({"functions": ["mine:count", "mine:count"]}, "two functions of one name"),
        ({"functions": ["mine:nothing"]}, "nothing"),
        ({"arguments": {"halv": {}}}, r"arguments has 'halv', which is no function of the Sequence, did you mean"),
        ({"arguments": {"halve": {"bye": 1}}}, r"unknown parameter 'bye' of halve, did you mean 'by'\?"),
        ({"arguments": {"halve": {"by": "four"}}}, "parameter 'by' of halve wants int"),
        ({"functions": ["mine:halve"]}, "missing parameter 'count' of halve"),
    ],
)
def test_what_does_not_fit_is_named(given, words):
    with pytest.raises(ConfigError, match=words):
        run(**given)


def test_code_of_others_is_not_called():
    with pytest.raises(ConfigError, match="'os:getcwd' is neither the project's nor a plugin's code"):
        run(functions=["os:getcwd"])


def test_an_import_string_without_a_module_is_told_how_to_be_written():
    with pytest.raises(ConfigError, match="write it as module:name"):
        run(functions=[":halve"])
