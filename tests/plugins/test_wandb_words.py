"""wandb's words: a script written for wandb runs with ``logger`` in its place and says the same."""

from math import inf, nan

import pytest

from tests.plugins.wandb_files import read_everything, read_run
from tipi.records import read_record
from tipi_plugins.wandb.ladder import is_installed

if not is_installed():
    pytest.skip("needs wandb", allow_module_level=True)

SCRIPT = """
import argparse
import math

import IMPORT

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=3)
parser.add_argument("--lr", type=float, default=0.1)
args = parser.parse_args()

run = wandb.init(
    project="my-project", name="baseline", config=vars(args), tags=["cnn"], group="sweep", notes="first try",
    job_type="train", mode="offline",
)
config = wandb.config
config.batch_size = 32
config["optimizer"] = "sgd"
config.update({"momentum": 0.9, "lr": args.lr}, allow_val_change=True)
wandb.define_metric("epoch")
wandb.define_metric("val/*", step_metric="epoch")
wandb.define_metric("train/loss", summary="min")

best = 0.0
for epoch in range(config.epochs):
    for batch in range(4):
        loss = math.exp(-config.lr * (4 * epoch + batch))
        wandb.log({"train/loss": loss, "train/lr": config["lr"]})
    accuracy = 1 - loss
    wandb.log({"epoch": epoch}, commit=False)
    wandb.log({"val/accuracy": accuracy, "phase": "validation", "ok": True, "diverged": float("nan"), "none": None})
    if accuracy > best:
        best = accuracy
        wandb.run.summary["best_accuracy"] = best
wandb.summary["best_epoch"] = epoch
run.summary.update({"final": {"accuracy": accuracy, "batches": 12}})
run.log({"last": math.inf})
wandb.alert(title="done", text="the training is over", level="INFO")
print(config.epochs, config["optimizer"], round(run.summary["best_accuracy"], 6), run.name, run.project)
wandb.finish()
"""


def write(folder, replaced):
    folder.mkdir()
    (folder / "train.py").write_text(SCRIPT.replace("import IMPORT", replaced))
    return folder


def the_run(folder):
    (found,) = (file.parent for file in folder.rglob("*.wandb") if "latest" not in file.parent.name)
    return found


def plain(row):
    return {key: str(value) for key, value in row.items() if not key.startswith("_") or key == "_step"}


def test_a_script_for_wandb_needs_only_another_import(python, tmp_path):
    theirs = write(tmp_path / "theirs", "import wandb")
    ours = write(tmp_path / "ours", "from tipi.helpers import logger as wandb")
    done = [python("train.py", cwd=folder, WANDB_ERROR_REPORTING="false") for folder in (theirs, ours)]
    assert [one.code for one in done] == [0, 0], done[0].err + done[1].err
    assert done[1].out == done[0].out
    real, relayed = the_run(theirs), the_run(ours)
    assert [plain(row) for row in read_run(relayed)[1]] == [plain(row) for row in read_run(real)[1]]
    told = read_everything(real)
    assert said(read_everything(relayed)) == said(told)
    (record,) = (read_record(file.parent) for file in ours.glob("runs/train/2*/run.json"))
    assert record.state == "completed"
    assert record.info["config"] == told["config"]
    assert {**record.info["summary"], "diverged": nan, "last": inf} == {
        **told["summary"],
        "train/loss": record.info["summary"]["train/loss"],  # the record's is the last one, its best lies beside it
        "diverged": nan,
    }
    assert record.info["metrics"]["train/loss"]["best"] == told["summary"]["train/loss"]["min"]


def said(about):
    return {**about, "summary": {key: str(value) for key, value in about["summary"].items()}}
