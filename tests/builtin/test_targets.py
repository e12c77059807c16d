"""Targets that do not fit are named with their batch, wherever they are met; other errors stay what they are."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from tests.builtin.pipelines import TRAINING
from tipi import PipelineRunner
from tipi.errors import ConfigError
from tipi_plugins.builtin.targets import Misfit, Wanted, look_at_first

PIPELINE = f"""
seed = 1
{TRAINING}
[processes.validation]
type = "ValidationProcess"

[processes.testing]
type = "TestingProcess"
"""

OWN = """
import torch
from torch.nn import functional
from tipi_plugins.builtin.training import TrainingProcess

ASSERT = "CUDA error: device-side assert triggered\\nSearch for `cudaErrorAssert' in the documentation."


class Data:
    def __init__(self, part="train", wrong=12, batch=2, kind="int64"):
        whole = torch.arange(64) % 4
        for name in ("train", "val", "test"):
            batches = [[torch.randn(16, 1, 8, 8), whole[:16].clone()] for _ in range(4)]
            if name == part:
                batches[batch][1][3] = wrong
                batches[batch][1] = batches[batch][1].to(getattr(torch, kind))
            setattr(self, f"{name}_loader", batches)
        self.shape, self.num_classes = (1, 8, 8), 4


class Columns(Data):
    def __init__(self, size=1):
        super().__init__()
        self.train_loader[1][1] = torch.zeros(16, size, dtype=torch.int64)


class Lists(Data):
    def __init__(self):
        super().__init__()
        self.train_loader[1][1] = [0] * 16


class Numbers(Data):
    def __init__(self, wrong=0.0, size=4, kind="float32"):
        super().__init__()
        for name in ("train", "val", "test"):
            setattr(self, f"{name}_loader", [[torch.randn(16, 1, 8, 8), torch.zeros(16, 4)] for _ in range(4)])
        self.train_loader[2][1] = torch.full((16, size), wrong).to(getattr(torch, kind))


class Weighted(TrainingProcess):
    def loss(self, outputs, targets):
        return super().loss(outputs, targets) * 2


class OwnStep(TrainingProcess):
    def train_step(self, model, batch, device):
        loss = self.loss(model(batch[0]), batch[1])
        self.learn(loss, model)
        return loss


def through_torch(outputs, targets):
    return functional.cross_entropy(outputs, targets)


def of_another_list(outputs, targets):
    return [outputs.sum()][1 if targets.max() > 3 else 0]


def by_moved_targets(outputs, targets):
    return functional.cross_entropy(outputs, targets + 4)


count = 0


def lost(outputs, targets):
    global count
    count += 1
    if count == 3:
        raise RuntimeError(ASSERT)
    return outputs.sum() * 0
"""


@pytest.fixture(autouse=True)
def _project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "small.toml").write_text(PIPELINE.replace('"Data"', '"mine:Data"').replace(DATA, ""))
    (tmp_path / "mine.py").write_text(OWN)


DATA = 'params = { dataset = "synthetic", batch_size = 16, options = { size = 160 } }'


def run(data="Data", params=None, **training):
    words = {"data.type": f"mine:{data}", **{f"data.{key}": value for key, value in (params or {}).items()}}
    for process in ("training", "validation", "testing"):
        given = {"loss": training["loss"]} if process != "training" and "loss" in training else {}
        words |= {f"{process}.{key}": value for key, value in (training if process == "training" else given).items()}
    return PipelineRunner("small", overrides=words).run()


@pytest.mark.parametrize(
    ("part", "process"),
    [("train", "training"), ("val", "validation"), ("test", "testing")],
    ids=["train", "val", "test"],
)
@pytest.mark.parametrize("wrong", [12, -1])
def test_a_class_number_without_an_output_is_named_with_its_batch(part, process, wrong):
    with pytest.raises(ConfigError) as caught:
        run(params={"part": part, "wrong": wrong})
    words = f"batch 2 of {process}, counted from 0, has the target {wrong}, and the network has 4 outputs, 0 to 3, "
    assert words + "number the classes from 0, " in str(caught.value)
    assert ("set num_classes = 13" in str(caught.value)) == (wrong == 12)
    assert f"ignore it with loss_params = {{ ignore_index = {wrong} }}" in str(caught.value)


def test_what_is_advised_about_a_class_number_works():
    ignored = {"ignore_index": 12}
    words = {f"{process}.loss_params": ignored for process in ("training", "validation", "testing")}
    data = {"data.part": "test", "data.wrong": 12}
    result = PipelineRunner("small", overrides={**words, **data}).run()
    table = (result.path / "artifacts" / "test-classes.txt").read_text()
    items = [int(line.split()[-1]) for line in table.splitlines()[1:5]]
    assert sum(items) == 63, "the one that is ignored is in no class"
    assert (result["testing"]["accuracy"] * 63) % 1 == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("kind", ["Weighted", "OwnStep"])
def test_so_it_is_where_a_method_is_overridden(kind):
    with pytest.raises(ConfigError, match="batch 2 of training, counted from 0, has the target 12"):
        run(type=f"mine:{kind}")


@pytest.mark.parametrize(
    ("data", "params", "loss", "words"),
    [
        (
            "Data",
            {"kind": "int32"},
            "cross_entropy",
            "batch 2 of .* targets of the kind int32, and class numbers are int",
        ),
        ("Data", {"kind": "float32"}, "CrossEntropyLoss", "targets of the kind float32, and class numbers are int64"),
        (
            "Columns",
            {},
            "cross_entropy",
            r"batch 1 of .* targets of shape \(16, 1\), .* shape \(16, 4\) have the shape \(16,\)",
        ),
        ("Lists", {}, "cross_entropy", "batch 1 of .* has targets that are a list and no tensor"),
        ("Numbers", {"size": 3}, "BCEWithLogitsLoss", r"targets of shape \(16, 3\) and outputs of shape \(16, 4\)"),
        ("Numbers", {"kind": "int64"}, "binary_cross_entropy_with_logits", "kind int64, and .* wants float32"),
    ],
)
def test_targets_of_a_wrong_kind_or_shape_are_described(data, params, loss, words):
    with pytest.raises(ConfigError, match=words):
        run(data, params, loss=loss)


def test_shares_outside_of_0_and_1_are_named():
    outputs = torch.full((2, 2), 0.5)
    found = Wanted("BCELoss").find_misfit(RuntimeError(), outputs, torch.tensor([[0.0, 1.0], [3.5, 0.0]]))
    assert str(found) == "has the target 3.5, and BCELoss wants 0 to 1, scale the targets"


def test_the_number_in_an_error_of_torch_below_a_loss_of_the_project_is_named():
    with pytest.raises(ConfigError, match="batch 2 of training, counted from 0, has the target 12"):
        run(loss="mine:through_torch")


@pytest.mark.parametrize("loss", ["mine:of_another_list", "mine:by_moved_targets"])
def test_an_error_of_the_projects_own_loss_keeps_its_kind_and_its_place(loss):
    with pytest.raises(IndexError) as caught:
        run(loss=loss)
    assert any("mine.py" in str(entry.path) for entry in caught.traceback)


def test_an_error_whose_cause_are_not_the_targets_is_left_alone():
    with pytest.raises(ValueError, match="no is not a valid value for reduction"):
        run(params={"part": "none"}, loss_params={"reduction": "no"})


def test_a_gpu_that_gave_up_is_explained_and_keeps_its_error():
    with pytest.raises(RuntimeError, match="device-side assert") as caught:
        run(params={"part": "none"}, loss="mine:lost")
    note = caught.value.__notes__[0]
    assert "a class number for which the network has no output, in batch 2 of training, counted from 0" in note
    assert "TIPI_DEVICE=cpu" in note
    assert "CUDA_LAUNCH_BLOCKING=1" in note


def test_on_a_gpu_the_class_numbers_of_the_first_batch_are_looked_at_and_no_others():
    seen = []
    process = SimpleNamespace(loss=lambda outputs, targets: seen.append(targets))
    look_at_first(process, Wanted("cross_entropy"))
    with pytest.raises(Misfit, match="has the target 3, and the network has 3 outputs, 0 to 2"):
        process.loss(torch.zeros(2, 3), torch.tensor([0, 3]))
    process.loss(torch.zeros(2, 3), torch.tensor([0, 4]))
    assert len(seen) == 1
