"""``tipi run`` in part, dry, in a small trial, quietly, without plugins; and roles that are missing."""

import json
import os

import pytest

from tipi.records import list_records

STEPS = """
    from tipi import PipelineProcess, pipeline_process
    from tipi.helpers import progress_bar, logger

    @pipeline_process
    def first():
        open("first", "a").close()
        return {"n": sum(1 for _ in progress_bar(range(100)))}

    class Second(PipelineProcess):
        def skip(self):
            return "done before"

        def execute(self):
            logger.log({"x": 1})
            return {"m": self.controller.get_result("one")["n"]}

    @pipeline_process
    def third(two=None):
        return {"k": 0 if two is None else 1}

    @pipeline_process
    def fourth(three):
        return {"j": three["k"]}
"""
CONFIG = """
    [processes.one]
    type = "first"
    [processes.two]
    type = "Second"
    [processes.three]
    type = "third"
    [processes.four]
    type = "fourth"
"""


@pytest.fixture
def project(tipi_project):
    tipi_project.write("steps.py", STEPS)
    tipi_project.write("configs/all.toml", CONFIG)
    return tipi_project


@pytest.fixture
def ran(project, cli):
    """Run and return what became of each process: its result, or why it was skipped."""

    def run(*options):
        done = cli("run", "all", "--json", *options, cwd=project.path)
        assert done.code == 0, done.err
        return {name: row["reason"] or row["result"] for name, row in json.loads(done.out)["processes"].items()}

    return run


def test_parts(ran):
    assert list(ran()) == ["one", "two", "three", "four"]
    assert list(ran("--until", "two")) == ["one", "two"]
    assert list(ran("--from", "three")) == ["three", "four"]
    assert list(ran("--only", "one", "--only", "three")) == ["one", "three"]
    assert list(ran("--from", "three", "--until", "three")) == ["three"]


def test_force_takes_the_process_behind_it_or_all(ran):
    assert ran()["two"] == "done before"
    assert ran("--force")["two"] == {"m": 100}
    assert ran("--force", "two")["two"] == {"m": 100}
    assert ran("--force", "one")["two"] == "done before"
    assert ran("--force", "seed=3")["two"] == {"m": 100}
    assert ran("--force=two", "--seed", "3")["two"] == {"m": 100}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--only", "two"], "process 'two' needs the result of 'one', which is left out by --only two"),
        (["--from", "four"], "process 'four' needs the result of 'three', which is left out by --from four"),
        (["--only", "thre"], "did you mean 'three'?"),
        (["--from", "tow"], "did you mean 'two'?"),
        (["--until", "fourr"], "did you mean 'four'?"),
        (["--from", "four", "--until", "one"], "leaves nothing to run"),
        (["--force", "tow"], "did you mean 'two'?"),
        (["-P", "no:wnadb"], "did you mean 'wandb'?"),
        (["-P", "wandb"], "write -P no:wandb"),
        (["--seed", "x"], "--seed"),
        (["--name", "a\nb"], "is no name for a run"),
        (["--name", ""], "is no name for a run"),
        (["--only", ""], "no such process"),
        (["--onyl", "one"], "'--only'"),
    ],
)
def test_a_part_that_cannot_be_run_is_refused_before_anything_runs(project, cli, options, message):
    for more in ([], ["--dry-run"]):
        done = cli("run", "all", *options, *more, cwd=project.path)
        assert done.code == 2, done.err
        assert message in done.last_line
        assert not (project.path / "runs").exists()
        assert not (project.path / "first").exists()


def test_a_dry_run_says_what_would_run_and_why_not(project, cli):
    done = cli("run", "all", "--dry-run", "--json", "--from", "three", cwd=project.path)
    plan = json.loads(done.out)
    assert [row["what"] for row in plan["components"]] == [
        "skip: left out by --from three",
        "skip: left out by --from three",
        "run",
        "run",
    ]
    text = cli("run", "all", "--dry-run", "--force", "one", cwd=project.path, TIPI_DEVICE="cpu").out
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert lines[1].startswith("process one first run: forced project")
    assert lines[2].startswith("process two Second run, unless its skip() says no project")
    assert lines[-2].startswith("device")
    assert lines[-1] == "nothing was run"
    assert not (project.path / "runs").exists()


def test_a_small_trial_ends_every_bar_and_leaves_the_environment(project, ran, monkeypatch):
    assert ran("--smoke")["one"] == {"n": 3}
    (record,) = list_records(project.path / "runs")
    assert record.info["smoke"] == 3
    from tipi_core.cli.group import run_command

    monkeypatch.chdir(project.path)
    assert run_command(["run", "all", "--smoke", "--quiet"]) == 0
    assert "TIPI_SMOKE" not in os.environ
    assert "TIPI_PROGRESS" not in os.environ


def test_seed_name_and_tags_are_in_the_record(project, ran):
    ran("--seed", "7", "--name", "a first try", "--tags", "a,b", "--tags", "c")
    (record,) = list_records(project.path / "runs")
    assert (record.info["seed"], record.info["title"], record.info["tags"]) == (7, "a first try", ["a", "b", "c"])
    assert "seed = 7" in record.config


def test_quiet_says_where_the_record_is_and_nothing_else(project, cli):
    done = cli("run", "all", "--quiet", "--force", cwd=project.path)
    (record,) = list_records(project.path / "runs")
    assert (done.out.strip(), done.err) == (str(record.path), "")


def test_plugins_left_out(project, cli):
    assert cli("run", "all", "--no-plugins", cwd=project.path).code == 0
    project.write("configs/dev.toml", "[permanences.device]\ntype = 'Device'\n[processes.one]\ntype = 'first'\n")
    done = cli("run", "dev", "-P", "no:builtin", cwd=project.path)
    assert done.code == 2
    assert "unknown permanence type 'Device'" in done.last_line
    assert "not loaded: builtin" in done.last_line


ROLES = """
    from contextlib import suppress
    from tipi import PipelineProcess, pipeline_process

    class Base(PipelineProcess):
        def __init__(self, controller, force=False):
            super().__init__(controller, force)
            self.data = controller.get_permanence("data")

        def execute(self):
            return self.controller.get_permanence("network")

    class Child(Base):
        def execute(self):
            super().execute()
            for _ in self.controller.get_permanence("clock"):
                self.controller.get_permanence("never")

    class Alone(Base):
        def __init__(self, controller, force=False):
            PipelineProcess.__init__(self, controller, force)

        def execute(self):
            if "a" in self.controller.permanences:
                self.controller.get_permanence("a")
            with suppress(LookupError):
                self.controller.get_permanence("b")
            try:
                self.controller.get_permanence("c")
            except LookupError:
                pass
            x = self.controller.get_permanence("d") if self.force else None
            y = self.force and self.controller.get_permanence("e")
            z = [self.controller.get_permanence("f") for _ in ()]
            if not self.force:
                return x, y, z
            self.controller.get_permanence("g")

    class Late(PipelineProcess):
        def execute(self):
            return self.controller.get_result("first")

    @pipeline_process
    def asks(controller):
        return controller.get_permanence("data")
"""


def roles(project, cli, text):
    project.write("roles.py", ROLES)
    project.write("configs/roles.toml", text)
    problems = json.loads(cli("validate", "roles", "--json", cwd=project.path).out)["roles"]
    return [(problem["what"], problem["hint"]) for problem in problems]


def test_what_a_process_surely_asks_for_must_be_there(project, cli):
    found = roles(project, cli, "[processes.x]\ntype = 'Child'\n")
    assert [what for what, _ in found] == [
        f"Child needs a permanence {name!r}, and there is none" for name in ("data", "clock", "network")
    ]
    assert found[0][1] == 'add [permanences.data] with type = "Data"'
    assert found[1][1] == "add [permanences.clock]"
    assert roles(project, cli, "[processes.x]\ntype = 'Alone'\n") == []


def test_a_misspelt_role_names_the_table_that_was_meant(project, cli):
    text = "[permanences.dta]\ntype = 'Data'\nparams = { dataset = 'digits' }\n[processes.x]\ntype = 'asks'\n"
    ((_, hint),) = roles(project, cli, text)
    assert hint.startswith("did you mean 'data' where it says 'dta'?")


def test_a_result_must_come_before(project, cli):
    text = "[processes.late]\ntype = 'Late'\n[processes.first]\ntype = 'first'\n"
    ((what, hint),) = roles(project, cli, text)
    assert what == "Late needs the result of a process 'first', and none comes before it"
    assert hint == "move [processes.first] before [processes.late]"
    reordered = "[processes.first]\ntype = 'first'\n[processes.late]\ntype = 'Late'\n"
    assert roles(project, cli, reordered) == []
    assert roles(project, cli, reordered.replace("type = 'first'", "type = 'fist'"))[0][0].startswith("unknown process")


def test_the_built_in_processes_say_which_tables_they_need(project, cli):
    found = roles(project, cli, "[processes.validation]\ntype = 'ValidationProcess'\n")
    assert found == [
        (
            "ValidationProcess needs a permanence 'network', and there is none",
            'add [permanences.network] with type = "Network"',
        ),
        ("ValidationProcess needs a permanence 'data', and there is none", 'add [permanences.data] with type = "Data"'),
    ]
