"""Plugins as users meet them: installed by pip, good and bad, and what that does to their commands and runs."""

import json
import os
import re

import pytest

from tests.plugins.installing import install
from tests.plugins.samples import BROKEN, write_broken, write_good, write_meddling
from tipi.records import list_records

FIRST_PARTY = ["builtin", "cpu", "cuda", "mps", "progress", "reports", "tensorboard", "wandb", "xpu"]

PARTS = """
    import time

    from tipi import pipeline_process
    from tipi.helpers import logger
    from tipi.records import read_record

    @pipeline_process
    def plain():
        print("the process runs")
        return {"answer": 42}

    @pipeline_process
    def failing():
        raise KeyError("the user's own")

    @pipeline_process
    def logging(controller, batches: int = 5):
        for step in range(batches):
            logger.log({"step": step})
            written = time.monotonic() + 60
            while len(list(read_record(controller.run.record.path).metrics())) <= step:
                assert time.monotonic() < written
        return {"rows": batches}

    def broken_permanence():
        raise ValueError("the user's permanence")

    def box():
        return {}
"""


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """Three folders for ``PYTHONPATH``: the good plugin; it and all broken ones; those that get in the way."""
    source, target = tmp_path_factory.mktemp("sources"), tmp_path_factory.mktemp("installed")
    good = write_good(source)
    return {
        "good": install(target / "good", good),
        "broken": install(target / "broken", good, *write_broken(source / "broken")),
        "meddling": install(target / "meddling", *write_meddling(source / "meddling")),
    }


@pytest.fixture
def project(tipi_project):
    tipi_project.write("parts.py", PARTS)
    for name in ("plain", "failing", "logging", "Double", "Deep", "Twin", "Gone", "Raising", "Leaving"):
        params = "params = { number = 21 }\n" if name == "Double" else ""
        tipi_project.write(f"configs/{name.lower()}.toml", f'[processes.it]\ntype = "{name}"\n{params}')
    return tipi_project


@pytest.fixture
def tipi(cli, places, project):
    """Run ``tipi`` in the project, with one of the places on the path, and perhaps only some plugins."""

    def run(*arguments, place=None, only=None, **environment):
        if place is not None:
            environment["PYTHONPATH"] = os.fspath(places[place])
        if only is not None:
            environment["TIPI_PLUGINS"] = only
        return cli(*arguments, cwd=project.path, **environment)

    return run


def rows_of(done):
    assert done.code == 0, done.err
    rows = json.loads(done.out)
    return {(row["name"], row["package"]): row for row in rows}


def test_a_good_plugin_is_listed_and_its_type_runs(tipi):
    row = rows_of(tipi("plugins", "--json", place="good"))["good", "tipi-good"]
    assert (row["version"], row["status"], row["cause"]) == ("1.2", "ok", None)
    assert row["provides"] == ["tipi_register", "process Double"]
    done = tipi("run", "double", place="good")
    assert done.code == 0, done.err
    assert re.search(r"doubled.*\n.*42", done.out)


CAUSES = {
    "missing": ("failed", "No module named 'absent_library'", "pip install absent_library"),
    "raising": ("failed", "RuntimeError: broken at import (tipi_raising.py:2)", "TIPI_BLOCK=raising"),
    "quitting": ("failed", "called sys.exit(3) when imported", "update or remove tipi-quitting"),
    "printing": ("ok", "printed 22 characters when imported", ""),
    "misspelt": ("failed", "unknown hook tipi_regsiter (did you mean 'tipi_register'", "TIPI_BLOCK=misspelt"),
    "arguments": ("failed", "Argument(s) {'rows'} are declared in the hookimpl", "TIPI_BLOCK=arguments"),
    "unmarked": ("failed", "tipi_log lacks the decorator @hookimpl", "TIPI_BLOCK=unmarked"),
    "wrapping": ("failed", "tipi_log cannot be wrapped", "TIPI_BLOCK=wrapping"),
    "demanding": ("failed", "REQUIRES wants a dict", "TIPI_BLOCK=demanding"),
    "naming": ("failed", "tipi_register raised TypeError", "TIPI_BLOCK=naming"),
    "incomplete": ("incomplete", "absent_library not installed", "pip install 'tipi-incomplete[deep]'"),
}


def test_every_broken_plugin_is_named_with_cause_and_cure(tipi):
    rows = rows_of(tipi("plugins", "--json", place="broken"))
    assert {name for name, _ in rows} == {*FIRST_PARTY, *BROKEN, "core", "good"}
    for name, (status, cause, cure) in CAUSES.items():
        row = rows[name, f"tipi-{name}"]
        assert row["status"] == status, row
        assert cause in row["cause"]
        assert cure in (row["cure"] or "")
        assert row["version"] == "1.0"
        assert row["provides"] == [] or status != "failed"
    assert rows["good", "tipi-good"]["status"] == "ok"
    assert "is taken by tipi itself" in rows["core", "tipi-taking"]["cause"]
    assert "is taken by tipi-good 1.2" in rows["good", "tipi-namesake"]["cause"]
    assert all(rows[name, "torch-tipi"]["status"] in ("ok", "incomplete") for name in FIRST_PARTY)


def test_the_table_names_plugin_package_and_version(tipi):
    done = tipi("plugins", place="broken")
    assert done.code == 0
    assert "misspelt (tipi-misspelt 1.0): unknown hook tipi_regsiter (did you mean 'tipi_register'" in done.out
    assert re.search(r"^quitting +tipi-quitting +1\.0 +failed$", done.out, re.MULTILINE)
    assert "hello from the import" not in done.out + done.err


@pytest.mark.parametrize("arguments", [("run", "plain"), ("list",), ("validate", "plain"), ("inspect", "plain")])
def test_broken_siblings_change_nothing_else(tipi, arguments):
    alone, among = tipi(*arguments), tipi(*arguments, place="broken")
    assert alone.code == among.code == 0, among.err
    assert _timeless(among.out) == _timeless(alone.out)
    assert among.err == alone.err


def test_the_good_plugin_works_among_broken_ones(tipi):
    done = tipi("run", "double", "--json", place="broken")
    assert done.code == 0, done.err
    assert json.loads(done.out)["processes"]["it"]["result"] == {"doubled": 42}


def _timeless(text):
    """Return output without times, and without the two pipelines that name types of the installed plugins."""
    text = re.sub(r"^(deep|double) .*\n", "", text, flags=re.MULTILINE)
    return re.sub(r"\d{8}T\d{6}Z-\w{6}|\d+\.\d", "-", text)


def test_a_type_whose_package_is_missing_names_the_command(tipi, project):
    done = tipi("run", "deep", place="broken")
    assert done.code == 2
    assert done.last_line.startswith("tipi: error[missing-package]")
    assert "pip install 'tipi-incomplete[deep]'" in done.last_line
    assert not (project.path / "runs").exists()


@pytest.mark.parametrize(
    ("name", "cause"),
    [("gone", "ModuleNotFoundError"), ("raising", "ValueError: no import today"), ("leaving", "SystemExit: 0")],
)
def test_a_type_that_does_not_import_is_the_plugins_fault(tipi, project, name, cause):
    done = tipi("run", name, place="meddling", only="absent")
    assert done.code == 3
    assert done.last_line.startswith("tipi: error[plugin]: plugin 'absent' names")
    assert cause in done.last_line
    assert not (project.path / "runs").exists()


def test_two_plugins_with_one_type_name_are_an_error_that_names_both(tipi):
    done = tipi("run", "twin", place="meddling", only="twin_one,twin_two")
    assert done.code == 2
    assert "'twin_one'" in done.last_line
    assert "'twin_two'" in done.last_line
    done = tipi("run", "twin", "--json", place="meddling", only="twin_one,twin_two", TIPI_BLOCK="twin_two")
    assert json.loads(done.out)["processes"]["it"]["result"] == {"twin": "one"}


def test_a_blocked_plugin_is_listed_and_not_loaded(tipi, project):
    row = rows_of(tipi("plugins", "--json", place="good", TIPI_BLOCK="good,wandb"))["good", "tipi-good"]
    assert (row["status"], row["cause"], row["provides"]) == ("blocked", "blocked by name", [])
    done = tipi("run", "double", place="good", TIPI_BLOCK="good")
    assert done.code == 2
    assert "not loaded: good; see tipi plugins" in done.err
    project.write("tipi.toml", 'plugins = ["no:good"]\n')
    assert rows_of(tipi("plugins", "--json", place="good"))["good", "tipi-good"]["status"] == "blocked"
    assert tipi("run", "double", place="good").code == 2


def test_no_plugins_at_all(tipi):
    rows = rows_of(tipi("plugins", "--json", place="good", only=""))
    assert {row["status"] for row in rows.values()} == {"blocked"}
    done = tipi("run", "plain", place="good", only="")
    assert done.code == 0, done.err
    assert "the process runs" in done.out


def test_trace_prints_each_call(tipi):
    done = tipi("run", "plain", place="meddling", only="provider", TIPI_TRACE="1")
    assert done.code == 0, done.err
    assert "tipi: tipi_execute_process -> provider, core\n" in done.err
    assert "tipi: " not in done.out


def test_an_observer_that_raises_stops_nothing_and_is_switched_off(tipi, project):
    done = tipi("run", "logging", place="meddling", only="observer")
    assert done.code == 0, done.err
    assert (project.path / "batches").read_text().splitlines() == ["one"] * 3
    assert done.err.count("Traceback") == 1
    assert "plugin 'observer' (tipi-observer 1.0) failed in tipi_log: RuntimeError: no room to observe" in done.err
    (record,) = list_records(project.path / "runs")
    assert [row["values"]["step"] for row in record.metrics()] == [0, 1, 2, 3, 4]


def test_an_observer_that_calls_exit_stops_nothing(tipi):
    done = tipi("run", "plain", place="meddling", only="quitter")
    assert done.code == 0, done.err
    assert "failed in tipi_run_started: SystemExit: 7" in done.err


@pytest.mark.parametrize(("plugin", "cause"), [("wrapper", "raised RuntimeError"), ("leaver", "raised SystemExit")])
def test_a_plugin_that_raises_around_a_process_is_exit_3(tipi, project, plugin, cause):
    done = tipi("run", "plain", place="meddling", only=plugin)
    assert done.code == 3
    assert f"plugin '{plugin}' (tipi-{plugin} 1.0) {cause} in tipi_execute_process" in done.last_line
    assert f"TIPI_BLOCK={plugin} runs without it" in done.last_line
    (record,) = list_records(project.path / "runs")
    assert (record.state, record.info["exit_code"]) == ("failed", 3)


@pytest.mark.parametrize("only", ["", "provider", "provider,wrapper"])
def test_what_the_users_process_raises_keeps_its_type(tipi, only):
    done = tipi("run", "failing", place="meddling", only=only)
    assert done.code == 1
    assert done.last_line.startswith('tipi: error[user-code]: KeyError: "the user\'s own"')
    assert 'raise KeyError("the user' in done.err


def test_what_the_users_permanence_raises_keeps_its_type(tipi, project):
    config = '[permanences.it]\ntype = "parts:broken_permanence"\n[processes.go]\ntype = "plain"\n'
    project.write("configs/permanence.toml", config)
    done = tipi("run", "permanence", place="meddling", only="provider")
    assert done.code == 1
    assert done.last_line.startswith("tipi: error[user-code]: ValueError: the user's permanence")


def test_answers_that_are_not_what_the_hook_asks_for(tipi, python, places):
    done = tipi("run", "plain", place="meddling", only="answering")
    assert done.code == 3
    assert "tipi_execute_process was answered with dict, not with Outcome" in done.last_line
    assert "'answering' (tipi-answering 1.0)" in done.last_line
    done = tipi("info", "--json", place="meddling", only="answering,cpu")
    assert json.loads(done.out)["devices"] == ["cpu"]
    environment = {"PYTHONPATH": os.fspath(places["meddling"]), "TIPI_PLUGINS": "answering"}
    done = python("-c", "from tipi import logger; logger.init(); logger.log({'loss': 1.0}); print('on')", **environment)
    assert (done.code, done.out) == (0, "on\n"), done.err
    assert "failed in tipi_start_tracker: AttributeError" in done.err


def test_a_provider_may_execute_processes_and_make_permanences(tipi, project):
    config = '[permanences.box]\ntype = "parts:box"\n[processes.it]\ntype = "plain"\n'
    project.write("configs/both.toml", config)
    done = tipi("run", "both", "--json", place="meddling", only="provider")
    assert done.code == 0, done.err
    (answer,) = re.findall(r"\{.*\}", done.out, re.DOTALL)
    assert json.loads(answer)["processes"]["it"]["result"] == {"by": "provider", "value": {"answer": 42}}
