"""The project's own file: its mistakes, what it blocks, and which folders inside a project are its own."""

from pathlib import Path

import pytest

STEP = "from tipi import pipeline_process\n\n@pipeline_process\ndef {name}(): ...\n"


@pytest.mark.parametrize(
    ("name", "head", "line"), [("tipi.toml", "", 1), ("pyproject.toml", "[project]\nname = 'x'\n\n[tool.tipi]\n", 5)]
)
def test_every_mistake_is_shown_at_its_place(cli, tmp_path, name, head, line):
    (tmp_path / name).write_text(f'{head}trsut = ["a"]\nplugins = ["wandb"]\nruns = 3\ntrust = "torch"\n')
    done = cli("list")
    assert done.code == 2
    assert [block.splitlines()[0] for block in done.err.split("\n\n")[:-1]] == [
        f"{name}:{line}:1: unknown key 'trsut'",
        f"{name}:{line + 1}:1: plugins can only leave plugins out",
        f"{name}:{line + 2}:1: runs wants a folder as a string",
        f"{name}:{line + 3}:1: trust wants a list of strings",
    ]
    assert "did you mean 'trust'?" in done.err
    assert done.last_line.startswith(f"tipi: error[config]: 4 problems in {name}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("trust = [", "tipi: error[config]: not TOML: Invalid value, tipi.toml:1:10"),
        (None, "tipi: error[config]: cannot read the file: Is a directory, tipi.toml"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_message(cli, tmp_path, text, message):
    file = tmp_path / "tipi.toml"
    file.mkdir() if text is None else file.write_text(text)
    (tmp_path / "configs").mkdir()
    done = cli("list")
    assert (done.code, done.last_line) == (2, message)


def test_a_table_is_wanted(cli, tmp_path):
    (tmp_path / "pyproject.toml").write_text("# [tool.tipi]\n[tool]\ntipi = 3\n")
    done = cli("list")
    assert done.code == 2
    assert done.err.startswith("pyproject.toml:3:1: tipi wants a table")


@pytest.mark.parametrize("start", ["", "sub"])
def test_a_plugin_that_the_project_blocks_is_blocked_for_its_scripts_too(python, tmp_path, start):
    (tmp_path / "tipi.toml").write_text('plugins = ["no:wandb"]\n')
    folder = tmp_path / start
    folder.mkdir(exist_ok=True)
    script = "from tipi.helpers import logger\nlogger.init(project='x')\nlogger.log({'a': 1})\n"
    blocked = python("-c", script, cwd=folder)
    (tmp_path / "tipi.toml").write_text("")
    free = python("-c", script, cwd=folder)
    assert "W&B" in free.err
    assert "W&B" not in blocked.err


def test_a_blocked_name_that_is_no_plugin_is_told(cli, tmp_path):
    (tmp_path / "tipi.toml").write_text('plugins = ["no:wandv"]\n')
    done = cli("plugins")
    assert done.err == f"{tmp_path / 'tipi.toml'}: no plugin 'wandv', did you mean 'wandb'?\n"


def test_only_a_folder_that_says_so_is_a_project_of_its_own(cli, tipi_project):
    tipi_project.write("part/configs/unused.yaml", "")
    tipi_project.write("part/steps.py", STEP.format(name="inside"))
    tipi_project.write("other/tipi.toml", "")
    tipi_project.write("other/steps.py", STEP.format(name="foreign"))
    tipi_project.write("third/configs/train/pipeline.toml", "")
    tipi_project.write("third/steps.py", STEP.format(name="strange"))
    names = ("inside", "foreign", "strange")
    tipi_project.write("configs/go.toml", "".join(f'[processes.{name}]\ntype = "{name}"\n' for name in names))
    done = cli("validate", "go", cwd=tipi_project.path)
    assert done.code == 2
    assert "unknown process type 'foreign'" in done.err
    assert "unknown process type 'strange'" in done.err
    assert "unknown process type 'inside'" not in done.err


def test_the_packaged_pipeline_is_sound_in_the_repository_itself(cli):
    """The README's first command is given there, beside test projects with types of the same names."""
    done = cli("validate", "quickstart", cwd=Path(__file__).resolve().parents[2])
    assert done.code == 0, done.err


REFUSED = """
    from tipi import PipelineProcess, Permanence
    from tipi.errors import ConfigError
    from tipi.helpers import logger

    class Picky(PipelineProcess):
        def __init__(self, controller, force=False, logs: bool = False):
            super().__init__(controller, force)
            if logs:
                logger.log({"a": 1})
            raise ConfigError("this one is not to be had")

        def execute(self): ...
"""


@pytest.mark.parametrize(("logs", "left"), [(False, 0), (True, 1)])
def test_what_a_constructor_refuses_leaves_no_folder_unless_something_was_logged(cli, tipi_project, logs, left):
    tipi_project.write("steps.py", REFUSED)
    tipi_project.write("configs/go.toml", '[processes.a]\ntype = "Picky"\n')
    done = cli("run", "go", f"a.logs={logs}", cwd=tipi_project.path)
    assert (done.code, done.last_line) == (2, "tipi: error[config]: this one is not to be had")
    assert len(list((tipi_project.path / "runs").glob("go/2*"))) == left
    assert (tipi_project.path / "runs" / "go").exists() == bool(left)


@pytest.mark.parametrize("name", ["con", "NUL.toml", "com1", "a.", "..", "-x", "a/b", "ä", "x" * 101])
def test_names_that_no_system_may_have_are_refused_in_a_config(cli, tipi_project, name):
    tipi_project.write("configs/go.toml", f'[processes."{name}"]\ntype = "x"\n')
    done = cli("validate", "go", cwd=tipi_project.path)
    assert done.code == 2
    assert f"{name!r} is no process name" in done.err


def test_a_process_that_began_leaves_its_record_whatever_it_raises(cli, tipi_project):
    steps = "from tipi import pipeline_process\nfrom tipi.errors import ConfigError\n\n@pipeline_process\ndef go():\n"
    tipi_project.write("steps.py", f"{steps}    raise ConfigError('too late')\n")
    tipi_project.write("configs/go.toml", '[processes.a]\ntype = "go"\n')
    assert cli("run", "go", cwd=tipi_project.path).code == 2
    assert len(list((tipi_project.path / "runs").glob("go/2*"))) == 1


def test_a_folder_in_the_place_of_a_file_is_no_pipeline(cli, tipi_project):
    (tipi_project.path / "configs" / "train.toml").mkdir(parents=True)
    assert "train" not in cli("list", cwd=tipi_project.path).out
    done = cli("validate", "train", cwd=tipi_project.path)
    assert done.code == 2
    assert "did you mean" not in done.last_line
