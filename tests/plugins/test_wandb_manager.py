"""``WandBManager`` in pipelines: every parameter reaches W&B, secrets and the command line do not."""

import json

import pytest

from tests.plugins.tensorboard_files import read_scalars
from tests.plugins.test_wandb import offline_run
from tests.plugins.wandb_files import read_everything
from tipi.records import read_record
from tipi_plugins.wandb.ladder import is_installed

if not is_installed():
    pytest.skip("needs wandb", allow_module_level=True)

STEPS = """
import sys

from tipi import pipeline_process
from tipi.helpers import logger, progress_bar


@pipeline_process
def train(wandb_logger, lr: float, token: str = ""):
    logger.define_metric("val/*", step_metric="epoch")
    for epoch in progress_bar(range(3), desc="Epochs"):
        for batch in progress_bar(range(2), desc="Training"):
            logger.log({"loss": 1 / (1 + epoch + batch)})
        logger.log({"val/accuracy": epoch / 3})
    logger.summary["best"] = 0.5
    print("imported" if "wandb" in sys.modules else "not imported", wandb_logger.run.name)
"""
CONFIG = """
[permanences.wandb_logger]
type = "WandBManager"
params = { PARAMS }

EXTRA
[processes.train]
type = "train"
params = { lr = 0.5, token = "hush-hush-1234" }
"""
ALL = """
project = "my_research", entity = "my_team", name = "baseline", tags = ["cnn", "digits"], group = "sweep",
mode = "offline", notes = "first try", job_type = "train", id = "own-id", resume = "allow", save_code = false,
config_exclude_keys = ["x"], settings = { x_label = "left" }
"""


@pytest.fixture
def pipeline(cli, tmp_path):
    """Run the pipeline with these parameters of the manager; return its record and what was said."""
    (tmp_path / "tipi.toml").touch()
    (tmp_path / "steps.py").write_text(STEPS)
    (tmp_path / "configs").mkdir()

    def run(params, extra="", **environment):
        text = CONFIG.replace("PARAMS", " ".join(params.split())).replace("EXTRA", extra)
        (tmp_path / "configs" / "one.toml").write_text(text)
        done = cli("run", "one", "train.lr=0.25", **environment)
        assert done.code == 0, done.err
        (file,) = (tmp_path / "runs").glob("one/2*/run.json")
        return read_record(file.parent), done

    return run


def the_files(record):
    (folder,) = (folder for folder in (record.path / "wandb").glob("offline-run-*") if not folder.is_symlink())
    return folder


def test_every_parameter_reaches_wandb(pipeline):
    record, done = pipeline(ALL)
    assert "not imported baseline" in done.out
    about = read_everything(the_files(record))
    assert about["run"] == {
        "project": "my_research", "displayName": "baseline", "tags": ["cnn", "digits"], "runGroup": "sweep",
        "notes": "first try", "jobType": "train",
    }  # fmt: skip
    assert the_files(record).name.endswith("-own-id")
    assert about["summary"]["best"] == 0.5
    assert about["exit_code"] == 0
    assert about["config"]["processes"] == {"train": {"lr": 0.25, "token": "********"}}


def test_no_secret_and_no_command_line_and_no_code_goes_along(pipeline, server):
    record, _ = pipeline('project = "p"', **server.environment)
    (folder,) = (folder for folder in (record.path / "wandb").glob("run-2*"))
    told = json.dumps([server.runs, server.rows]).encode()
    written = b"".join(file.read_bytes() for file in (record.path / "wandb").rglob("*") if file.is_file())
    for secret in (b"hush-hush-1234", b"train.lr=0.25"):
        assert secret not in written
        assert secret not in told
    assert not list(folder.rglob("*.py"))
    metadata = json.loads((folder / "files" / "wandb-metadata.json").read_text())
    assert metadata.get("args", []) == []
    assert not {"git", "codePath", "codePathLocal"} & metadata.keys()


def test_a_curve_over_epochs_takes_them_from_the_bar(pipeline):
    record, _ = pipeline('project = "p", mode = "offline"')
    _, history, _ = offline_run(record.path)
    assert [(row["epoch"], row["val/accuracy"]) for row in history if "val/accuracy" in row] == [
        (0, 0.0), (1, 1 / 3), (2, 2 / 3),
    ]  # fmt: skip
    assert [row["epoch"] for row in history] == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    (metric,) = read_everything(the_files(record))["metrics"]
    assert (metric["globName"], metric["stepMetric"]) == ("val/*", "epoch")


def test_in_process_wandb_runs_beside_the_training(pipeline):
    record, done = pipeline('project = "p", mode = "offline", in_process = true')
    assert "imported baseline" not in done.out
    assert done.out.startswith("imported ")
    assert "wandb runs in this process" in done.err
    config, history, exit_code = offline_run(record.path)
    assert len(history) == 9
    assert (config["processes"]["train"]["lr"], exit_code) == (0.25, 0)
    assert read_everything(the_files(record))["summary"]["best"] == 0.5


def test_tensorboard_and_wandb_both_get_every_row(pipeline):
    pytest.importorskip("tensorboardX")
    record, _ = pipeline('project = "p", mode = "offline"', '[permanences.board]\ntype = "TensorBoard"\n')
    rows = [row for row in record.metrics() if row["values"]]
    expected = [(name, row["step"], value) for row in rows for name, value in row["values"].items()]
    shown = read_scalars(record.path / "tensorboard")
    assert [(name, step) for name, step, _ in shown] == [(name, step) for name, step, _ in expected]
    assert [value for *_, value in shown] == pytest.approx([value for *_, value in expected])
    _, history, _ = offline_run(record.path)
    told = [
        (key, row["_step"], value) for row in history for key, value in row.items() if key in ("loss", "val/accuracy")
    ]
    assert told == expected
