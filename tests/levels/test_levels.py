"""The guide's five levels, its workflow and its hybrid script, each run as its reader would run it."""

import inspect
import os
import pickle
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import pytest

from tipi.decorators import pipeline_process
from tipi.records import list_records, read_record

HERE = Path(__file__).parent
BATCHES = 40  # of 32 images in the training part of the digits

FULL = "tipi run my_pipeline"
CUSTOM = "tipi run my_pipeline --config custom_config.toml"
PROGRAM = """python -c "
from tipi import PipelineRunner
runner = PipelineRunner('my_pipeline')
runner.run()
\""""


@dataclass
class Twin:
    """A project of ``projects/`` and a command in it.

    Attributes:
        rows: How many rows each record has, by the run's name.
        metrics: The names that are logged.
        left: The files that the user's own code leaves.
        out: Words that stdout shows.
    """

    project: str
    command: str
    rows: dict[str, int] = field(default_factory=dict)
    metrics: set[str] = field(default_factory=set)
    left: set[str] = field(default_factory=set)
    out: list[str] = field(default_factory=list)
    torch: bool = True

    @property
    def id(self):
        return re.sub(r"\W+", "-", f"{self.project} {self.command}").strip("-")


def pipeline(project, command, epochs):
    metrics = {"loss", "val/loss", "val/accuracy", "test/loss", "test/accuracy"}
    table = ["training", "validation", "testing", "done"] if command != PROGRAM else []
    after = 3  # the figures of validation and testing, and the drawing of the answers
    return Twin(project, command, {"my_pipeline": epochs * BATCHES + after}, metrics, out=table)


def script(project, name, rows, **options):
    return Twin(project, f"python {name}.py", {name: rows} if rows else {}, {"loss"}, **options)


TWINS = [
    script("level0", "train", 0, out=["Starting training...", "Epoch 10/10", "Batch 0, Loss: "]),
    script("level1", "train", 0),
    Twin("level2", "python train.py", {"train": 10 * (2 + 1)}, {"batch_loss", "epoch_loss"}),
    script("level3", "train", 10 * 2),
    script("level4", "train", 10 * 2, left={"model.pth"}),
    pipeline("level5", FULL, epochs=2),
    pipeline("level5", CUSTOM, epochs=1),
    pipeline("level5", PROGRAM, epochs=2),
    pipeline("level5_packaged", FULL, epochs=2),
    Twin(
        "level5_packaged",
        "python experiment_hybrid.py",
        {"experiment_hybrid": 3},
        {"quick_test"},
        left={"experiment_hybrid_was_here"},
    ),
    pipeline("level5_typed", FULL, epochs=2),
    script("day1", "quick_experiment", 0, out=["0.81", "0.6561"], torch=False),
    script("day2", "quick_experiment", 10, torch=False),
    script("week1", "experiment_v1", 10, torch=False),
    script("week1", "experiment_v2", 10, torch=False),
    script("week1", "experiment_v3", 10, torch=False),
    script("week2", "experiment_v4", 10, left={"experiment_v4_was_here"}, torch=False),
    Twin("month1", "tipi run production", {"production": 10}, {"loss"}, out=["training", "done"], torch=False),
]


@dataclass
class Ran:
    code: int
    out: str
    err: str
    folder: Path
    left: set[str]

    @property
    def records(self):
        return [read_record(record.path) for record in list_records(self.folder / "runs")]


def listing(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


TORCH = pytest.mark.skipif(find_spec("torch") is None, reason="needs torch")


@pytest.fixture(params=["wandb", "no wandb"])
def wandb(request):
    return request.param == "wandb"


@pytest.fixture
def execute(tmp_path, wandb):
    """Run a command in a copy of a project: home is empty, there is no key, and stdin is closed."""
    environment = {**os.environ, "HOME": str(tmp_path / "home"), "PYTHONDONTWRITEBYTECODE": "1"}
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    if not wandb:
        environment["PYTHONPATH"] = str(HERE / "without_wandb")
    (tmp_path / "home").mkdir()

    def run(project, command, files=None):
        folder = tmp_path / project
        shutil.copytree(HERE / "projects" / project, folder, ignore=shutil.ignore_patterns("__pycache__", "runs"))
        for name, text in (files or {}).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        before = listing(folder)
        shell = ["bash", "-c", f"exec <&-\n{command}"]
        done = subprocess.run(
            shell, check=False, cwd=folder, env=environment, capture_output=True, text=True, timeout=100
        )
        return Ran(done.returncode, done.stdout, done.stderr, folder, listing(folder) - before)

    return run


@pytest.mark.parametrize("twin", [pytest.param(t, id=t.id, marks=[TORCH] if t.torch else []) for t in TWINS])
def test_a_twin_runs_and_leaves_what_it_should(twin, execute, tmp_path):
    ran = execute(twin.project, twin.command)
    assert ran.code == 0, ran.err
    assert "Traceback" not in ran.err
    assert "Enter your choice" not in ran.out + ran.err
    assert all(words in ran.out for words in twin.out)
    assert listing(tmp_path / "home") == set()
    assert {path for path in ran.left if path.partition("/")[0] != "runs"} == twin.left
    assert ("runs" in ran.left) == bool(twin.rows)
    assert {record.info["name"]: len(list(record.metrics())) for record in ran.records} == twin.rows
    for record in ran.records:
        assert record.state == "completed"
        assert {name for row in record.metrics() for name in row["values"]} == twin.metrics
        assert f"{record.info['name']}/{record.info['id']}" in ran.out + ran.err  # it says where the record is
        assert record.info["summary"].get("test/accuracy", 1.0) > 0.5  # the network tested is the one trained


@pytest.mark.parametrize("project", ["level5", "month1"])
def test_the_commands_run_are_those_that_the_guide_prints(project):
    guide = (HERE / "seed_lines.txt").read_text("utf-8")
    printed = re.search(rf"^## {project} \$\n\n```bash\n(.*?\n)```", guide, re.S | re.M)[1]
    commands = [re.sub(r"^#.*\n", "", block, flags=re.M).strip() for block in printed.split("\n\n")]
    assert commands == [twin.command for twin in TWINS if twin.project == project]


@pytest.mark.parametrize("wandb", [False])
def test_the_blocked_environment_has_no_wandb(execute, wandb):
    ran = execute("day1", "python -c 'import wandb'")
    assert ran.code == 1
    assert "No module named 'wandb'" in ran.err


@TORCH
@pytest.mark.parametrize("wandb", [True])
def test_the_function_of_level_4_is_a_process_already(execute, wandb):
    config = '[processes.training]\ntype = "train_model"\nparams = { epochs = 3 }\n'
    ran = execute("level4", "tipi run ready", files={"configs/ready.toml": config})
    assert ran.code == 0, ran.err
    (record,) = ran.records
    assert record.info["name"] == "ready"
    assert len(list(record.metrics())) == 3 * 2
    assert "model.pth" not in ran.left


@TORCH
@pytest.mark.parametrize("wandb", [True])
def test_the_weights_that_level_4_saves_load_into_its_model(execute, wandb):
    load = "from my_model import *; import torch; MyModel().load_state_dict(torch.load('model.pth'))"
    ran = execute("level4", f'python train.py && python -c "{load}"')
    assert ran.code == 0, ran.err


@pipeline_process
def train_model(epochs: int = 10):
    return epochs


def undecorated(epochs: int = 10):
    return epochs


def test_the_decorator_gives_back_the_function_itself():
    assert pipeline_process(undecorated) is undecorated
    assert pickle.loads(pickle.dumps(train_model)) is train_model
    assert list(inspect.signature(train_model).parameters) == ["epochs"]
    assert train_model(epochs=3) == 3
