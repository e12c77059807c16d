"""What makes and edits: create, add, remove, promote, completion."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

CONFIG = """\
# head
seed = 3  # why three

[permanences.data]
type = "Data"   # the data
params = { dataset = "digits" }

[processes.first]
type = "first"
"""
STEPS = """
    from tipi import pipeline_process

    @pipeline_process
    def first(epochs: int = 3):
        return {"n": epochs}

    @pipeline_process
    def second(first, scale: float = 0.5, mode: str | None = None):
        return first
"""


@pytest.fixture
def project(tipi_project):
    tipi_project.write("steps.py", STEPS)
    tipi_project.write("configs/main.toml", CONFIG)
    return tipi_project


@pytest.fixture
def edit(project, cli):
    """Run a command that edits; return the file's text."""

    def edit(*words):
        done = cli(*words, cwd=project.path)
        assert done.code == 0, done.err
        return (project.path / "configs/main.toml").read_text()

    return edit


def test_add_keeps_what_is_there_and_shows_the_defaults(edit, project, cli):
    text = edit("add", "process", "second", "scale=2.0")
    assert text.startswith(CONFIG)
    added = '\n[processes.second]\ntype = "second"\nparams = {scale = 2.0}\n# params.mode = (none)  (str or None)\n'
    assert text.removeprefix(CONFIG) == added
    assert tomllib.loads(text)["processes"]["second"] == {"type": "second", "params": {"scale": 2.0}}
    text = edit("add", "permanence", "Device", "--name", "gpu")
    assert tomllib.loads(text)["permanences"]["gpu"] == {"type": "Device"}
    assert cli("validate", "main", cwd=project.path).code == 0


def test_remove_keeps_what_is_left(edit):
    assert edit("add", "process", "second", "--name", "again") != CONFIG
    assert "again" not in edit("remove", "process", "again")
    text = edit("remove", "permanence", "data")
    assert "seed = 3  # why three" in text
    assert tomllib.loads(text) == {"seed": 3, "processes": {"first": {"type": "first"}}}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["add", "process", "secnd"], "did you mean 'second'?"),
        (["add", "process", "second", "scal=1"], "did you mean 'scale'?"),
        (["add", "process", "second", "scale=x"], "wants float, not 'x'"),
        (["add", "process", "first"], "is there already"),
        (["add", "process", "second", "--name", "../x"], "is no process name"),
        (["add", "process", "second", "--pipeline", "man"], "did you mean 'main'?"),
        (["add", "process", "second", "--pipeline", "quickstart"], "is a plugin's pipeline"),
        (["remove", "process", "frst"], "did you mean 'first'?"),
        (["remove", "process", "first"], "nothing to run"),
        (["add", "proces", "second"], "'process'"),
    ],
)
def test_an_edit_that_would_break_the_pipeline_leaves_the_file(project, cli, words, message):
    done = cli(*words, cwd=project.path)
    assert done.code == 2, done.out
    assert message in done.err
    assert done.last_line.startswith("tipi: error[")
    assert (project.path / "configs/main.toml").read_text() == CONFIG


def test_with_several_pipelines_one_must_be_named(project, cli):
    project.write("configs/other.toml", CONFIG)
    assert "--pipeline with one of: main, other" in cli("add", "process", "second", cwd=project.path).last_line


@pytest.mark.parametrize("level", [1, 2, 3, 4, 5])
def test_a_new_project_passes_its_own_tests(level, cli, python, tmp_path):
    pytest.importorskip("torch")
    done = cli("create", "line", "--level", level)
    assert done.code == 0, done.err
    assert "line/tests/test_training.py" in done.out
    tested = python("-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=tmp_path / "line")
    assert tested.code == 0, tested.out
    assert "1 passed" in tested.out


def test_a_new_pipeline_runs_and_its_script_is_whole(cli, python, tmp_path):
    pytest.importorskip("torch")
    assert cli("create", "line", "--minimal").out.split() == [
        "line/configs/line/pipeline.toml",
        "line/processes/training.py",
    ]
    done = cli("run", "line", "--json", cwd=tmp_path / "line")
    assert json.loads(done.out)["processes"]["training"]["result"]["loss"] < 1


def test_a_new_plugin_passes_its_own_tests_and_is_found_once_installed(cli, python, tmp_path):
    assert cli("create", "tipi-counter", "--plugin").code == 0
    folder = tmp_path / "tipi-counter"
    tested = python("-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=folder, PYTHONPATH=folder)
    assert tested.code == 0, tested.out
    info = folder / "tipi_counter-0.1.0.dist-info"  # what an installer would leave
    info.mkdir()
    entries = tomllib.loads((folder / "pyproject.toml").read_text())["project"]["entry-points"]["tipi"]
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tipi-counter\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text("[tipi]\n" + "".join(f"{k} = {v}\n" for k, v in entries.items()))
    rows = {row["name"]: row for row in json.loads(cli("plugins", "--json", PYTHONPATH=folder).out)}
    assert rows["counter"]["status"] == "ok"
    assert "process CounterProcess" in rows["counter"]["provides"]


@pytest.mark.parametrize(
    "name", ["../x", "/tmp/x", "", "a b", "x" * 200, "-x", "a\nb", "a\x00b", "tipi", "CON", "torch"]
)
def test_names_that_make_no_project(cli, name, tmp_path):
    if "\x00" in name:
        name = name.replace("\x00", "\x01")
    for option in ([], ["--plugin"]):
        done = cli("create", *option, "--", name)
        assert done.code == 2
        assert done.last_line.startswith("tipi: error[usage]")
    assert list(tmp_path.iterdir()) == []


def test_create_overwrites_nothing(cli, tmp_path):
    (tmp_path / "line").mkdir()
    (tmp_path / "line" / "mine.py").write_text("x = 1\n")
    done = cli("create", "line")
    assert done.code == 2
    assert "is there already" in done.last_line
    assert [path.name for path in (tmp_path / "line").iterdir()] == ["mine.py"]


SCRIPT = """
import random
from tipi.decorators import pipeline_process
from tipi.helpers import logger


@pipeline_process
def prepare(size: int = 4, scale: float = 1.0):
    return {"weight": random.random() * scale, "size": size}


@pipeline_process
def report(prepare, train):
    return None


@pipeline_process
def train(prepare, epochs: int = 10, *, lr: float = 0.1):
    weight = prepare["weight"]
    for _ in range(epochs):
        weight -= lr * (2 * weight + random.gauss(0, 0.01))
        logger.log({"loss": weight * weight})
    return weight


if __name__ == "__main__":
    from tipi.helpers import device_manager
    device_manager.seed_everything(7)
    prepared = prepare(scale=2.0)
    trained = train(prepared, 5)
    report(prepared, trained)
"""


def losses(folder):
    from tipi.records import list_records

    (record,) = list_records(folder)
    return [row["values"]["loss"] for row in record.metrics() if "loss" in row["values"]]


@pytest.mark.parametrize("name", ["train.py", "my-train.py"])
def test_promoted_and_original_give_the_same_losses(tipi_project, cli, python, name):
    tipi_project.write(name, SCRIPT)
    done = cli("promote", name, "--name", "grown", cwd=tipi_project.path)
    assert done.code == 0, done.err
    assert (tipi_project.path / name).read_text() == SCRIPT.lstrip("\n")
    text = (tipi_project.path / "configs/grown/pipeline.toml").read_text()
    assert "# params.size = 4  (int)" in text
    assert "params.scale = 2.0  # scale = 1.0  (float)" in text
    assert [line for line in text.splitlines() if line.startswith("[")] == [
        "[processes.prepare]",
        "[processes.train]",
        "[processes.report]",
    ]
    root = tipi_project.path
    assert python(root / name, cwd=root, TIPI_RUNS=root / "runs_script").code == 0
    done = cli("run", "grown", cwd=root, TIPI_RUNS=root / "runs_pipeline")
    assert done.code == 0, done.err
    assert len(losses(root / "runs_script")) == 5
    assert losses(root / "runs_script") == losses(root / "runs_pipeline")


def test_what_cannot_be_promoted(tipi_project, cli):
    tipi_project.write("plain.py", "x = 1\n")
    tipi_project.write("broken.py", "def (\n")
    for name, message in (("plain.py", "@pipeline_process"), ("broken.py", "is no Python"), ("absent.py", "no script")):
        done = cli("promote", name, cwd=tipi_project.path)
        assert done.code == 2
        assert message in done.last_line
    assert list((tipi_project.path / "configs").iterdir()) == []


def complete(project, words, incomplete):
    """Return what bash would offer after these words."""
    line = ["tipi", *words, incomplete]
    done = subprocess.run(
        [sys.executable, "-m", "tipi"],
        cwd=project.path,
        env={
            **os.environ,
            "_TIPI_COMPLETE": "bash_complete",
            "COMP_WORDS": " ".join(line),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert not done.stderr
    return [row.split("\t")[1] for row in done.stdout.splitlines() if row]


@pytest.mark.parametrize(
    ("words", "incomplete", "offered"),
    [
        ([], "va", ["validate"]),
        (["run"], "ma", ["main"]),
        (["run", "main"], "first.e", ["first.epochs="]),
        (["run", "main"], "~first.", ["~first.epochs"]),
        (["run", "main", "--only"], "f", ["first"]),
        (["run", "main"], "--dry", ["--dry-run"]),
        (["run", "main", "-P"], "no:wa", ["no:wandb"]),
        (["run", "nothing"], "x", []),
        (["why", "main"], "first.", ["first.epochs"]),
        (["add", "process"], "sec", ["second"]),
        (["add", "permanence"], "Dev", ["Device"]),
        (["completion"], "f", ["fish"]),
        (["run", "main"], "data.download=", ["data.download=false", "data.download=true"]),
        (["run", "main"], "data.dataset=d", ["data.dataset=digits"]),
        (["run", "main"], "first.type=sec", ["first.type=second"]),
        (["run"], "scri", ["scri"]),
        (["runs", "show"], "20", ["20260101T000000Z-abcdef"]),
        (["runs", "rm"], "l", ["latest"]),
        (["remove", "process"], "f", ["first"]),
        (["add", "process", "second"], "sc", ["scale="]),
        (["add", "permanence", "Network"], "model=small", ["model=small_cnn"]),
    ],
)
def test_what_a_shell_offers(project, words, incomplete, offered):
    (project.path / "runs" / "main" / "20260101T000000Z-abcdef").mkdir(parents=True)
    assert complete(project, words, incomplete) == offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_lines_for_a_shell(cli, shell, tmp_path):
    text = cli("completion", shell).out
    assert f"_TIPI_COMPLETE={shell}_complete" in text
    if shell == "bash" and Path("/bin/bash").exists():
        file = tmp_path / "completion.bash"
        file.write_text(text)
        subprocess.run(["/bin/bash", "-n", str(file)], check=True)
