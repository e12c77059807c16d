"""Training, testing and exporting on a GPU: the same pipelines as on the CPU, with their figures and files."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from tipi import PipelineRunner
from tipi.errors import GuardStop
from tipi.records import read_record
from tipi_plugins.builtin.measures import Measures, Tally
from tipi_plugins.builtin.targets import IGNORED

pytestmark = pytest.mark.gpu

PIPELINE = """
seed = 1

[permanences.device]
type = "Device"

[permanences.network]
type = "Network"
params = { model = "small_cnn", num_classes = 10 }

[permanences.data]
type = "Data"
params = { dataset = "digits", batch_size = 64, shift = 1 }

[processes.training]
type = "TrainingProcess"
params = { epochs = 8, learning_rate = 0.003 }

[processes.testing]
type = "TestingProcess"
"""
ENDLESS = """
import torch

def wild(outputs, targets):
    return torch.nn.functional.cross_entropy(outputs, targets) * torch.where(targets.sum() >= 0, torch.inf, 1.0)
"""
WRONG = """
from tipi_plugins.builtin.datasets import Images
import torch

def eleven():
    targets = torch.arange(640) % 10
    targets[500] = 11
    return Images(torch.randn(640, 1, 8, 8), targets, [str(name) for name in range(10)])
"""


@pytest.fixture(autouse=True)
def _project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "small.toml").write_text(PIPELINE)


def run(**overrides):
    given = {name.replace("__", "."): value for name, value in overrides.items()}
    return PipelineRunner("small", overrides=given).run()


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_it_learns_in(precision, channels_last):
    result = run(training__precision=precision, network__channels_last=channels_last)
    testing = result["testing"]
    assert testing["accuracy"] > 0.97
    assert testing["weights"].startswith("checkpoints/")
    rows = list(read_record(result.path).metrics())
    losses = [row["values"]["train/batch_loss"] for row in rows if "train/batch_loss" in row["values"]]
    assert all(isinstance(loss, float) for loss in losses)
    assert losses[-1] < losses[0]


def test_a_checkpoint_of_a_gpu_is_read_on_a_cpu():
    result = run(training__epochs=2)
    checkpoints = result.path / "checkpoints"
    best = checkpoints / (checkpoints / "best").read_text().strip()
    state = torch.load(best / "state.pt", weights_only=True)
    assert {value.device.type for value in state["model"].values()} == {"cpu"}
    again = run(device__prefer="cpu", network__checkpoint=str(result.path), training__epochs=1)
    assert again["testing"]["accuracy"] > 0.8


def test_the_same_seed_gives_the_same_losses():
    def losses():
        rows = read_record(run(training__epochs=1).path).metrics()
        return [row["values"]["train/batch_loss"] for row in rows if "train/batch_loss" in row["values"]]

    first, again = losses(), losses()
    assert again[0] == first[0]
    assert again == pytest.approx(first, rel=0.05)  # sums on a GPU are taken in any order


def test_a_loss_that_is_not_finite_names_its_batch(tmp_path):
    (tmp_path / "mine.py").write_text(ENDLESS)
    with pytest.raises(GuardStop, match="epoch 1 is inf at batch 0"):
        run(training__loss="mine:wild")


def test_a_gpu_that_gives_up_says_what_the_usual_cause_is(cli, tmp_path):
    (tmp_path / "mine.py").write_text(WRONG)
    done = cli("run", "small", "data.dataset=mine:eleven", "training.epochs=1")
    assert done.code == 1
    assert "device-side assert" in done.err
    assert "the usual cause is a class number for which the network has no output, in batch" in done.err
    assert "TIPI_DEVICE=cpu" in done.err
    done = cli("run", "small", "data.dataset=mine:eleven", "training.epochs=1", TIPI_DEVICE="cpu")
    assert done.code == 2
    assert "has the target 11, and the network has 10 outputs" in done.err


@contextmanager
def waiting(mode):
    """Let torch treat every wait for the GPU so."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch says that it may overlook some
        torch.cuda.set_sync_debug_mode(mode)
        try:
            yield
        finally:
            torch.cuda.set_sync_debug_mode("default")


def test_measuring_waits_for_the_gpu_only_at_the_end():
    device = torch.device("cuda", 0)
    tally = Tally(device, Measures(averages=("f1",)), confusion=True)
    outputs, targets = torch.randn(64, 10, device=device), torch.randint(-1, 10, (64,), device=device)
    targets = targets.where(targets >= 0, IGNORED)
    tally.add(outputs, targets, outputs.mean(), {})
    with waiting("error"):
        tally.add(outputs, targets, outputs.mean(), {})
    assert tally.confusion.sum().item() == 2 * (targets != IGNORED).sum().item()
    assert 0 <= tally.figures()["f1"] <= 1


@pytest.mark.parametrize("format_", ["torch_export", "safetensors", "onnx"])
def test_a_network_on_a_gpu_is_exported(format_, tmp_path):
    pytest.importorskip({"torch_export": "torch", "safetensors": "safetensors", "onnx": "onnxscript"}[format_])
    with (tmp_path / "configs" / "small.toml").open("a") as file:
        file.write('[processes.export]\ntype = "ExportProcess"\n')
    result = run(training__epochs=1, export__formats=[format_])
    assert (result.path / "artifacts").joinpath(Path(result["export"][format_]).name).is_file()
