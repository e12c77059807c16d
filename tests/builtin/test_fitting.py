"""What does not fit together is named in one sentence before anything trains; loaders without a length work."""

from __future__ import annotations

import pytest

from tests.builtin.pipelines import TRAINING
from tipi import PipelineRunner
from tipi.errors import ConfigError
from tipi.records import read_record

PIPELINE = TRAINING

STREAMS = """
[permanences.network]
type = "Network"
params = { model = "mlp" }

[permanences.data]
type = "mine:Streams"

[processes.training]
type = "TrainingProcess"
params = { epochs = 3, learning_rate = 0.01 }

[processes.testing]
type = "TestingProcess"
"""

OWN = """
import torch
from torch.utils.data import DataLoader, IterableDataset
from tipi_plugins.builtin.datasets import synthetic
from tipi_plugins.builtin.training import TrainingProcess


class Stream(IterableDataset):
    def __init__(self, start, stop):
        self.whole, self.range = synthetic(size=96), range(start, stop)

    def __iter__(self):
        return (self.whole[index] for index in self.range)


class Streams:
    def __init__(self):
        self.train_loader = DataLoader(Stream(0, 64), batch_size=16)
        self.val_loader = DataLoader(Stream(64, 80), batch_size=16)
        self.test_loader = DataLoader(Stream(80, 96), batch_size=16)
        self.shape, self.num_classes = (1, 8, 8), 4


class Once(Streams):
    def __init__(self):
        super().__init__()
        self.train_loader = iter(list(self.train_loader))


def stream(size):
    return Stream(0, size)


def unnamed(size, first=0):
    return [(torch.zeros(3), (index % 5) + first) for index in range(size)]


class Merged(TrainingProcess):
    def loss(self, outputs, targets):
        return super().loss(outputs, targets.clamp(max=1))
"""


@pytest.fixture(autouse=True)
def _project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "small.toml").write_text(PIPELINE)
    (tmp_path / "configs" / "streams.toml").write_text(STREAMS)
    (tmp_path / "mine.py").write_text(OWN)


def run(pipeline="small", **overrides):
    named = {key.replace("__", "."): value for key, value in overrides.items()}
    return PipelineRunner(pipeline, overrides=named).run()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            {"network__num_classes": 2},
            "the network has num_classes = 2, and the data has 4 classes, set num_classes = 4, or leave it out",
        ),
        ({"training__precision": "float16"}, "precision float16 needs a GPU, and the run is on cpu, use bfloat16"),
        (
            {"training__monitor": "val/acuracy"},
            "there is no metric 'val/acuracy' to choose by, override training.monitor='val/acuracy', did you mean",
        ),
        (
            {"data__dataset": "mine:stream"},
            "the dataset is a Stream, without a length and positions: no parts can be split off, give it __len__",
        ),
    ],
)
def test_what_does_not_fit_is_named_and_leaves_no_run(tmp_path, given, words):
    with pytest.raises(ConfigError) as caught:
        run(**given)
    assert words in str(caught.value)
    assert not list((tmp_path / "runs").glob("small/2*"))


@pytest.mark.parametrize(
    ("first", "classes", "words"),
    [
        (0, 3, "batch 0 of training, .* has the target 4, .* 3 outputs, 0 to 2, .* set num_classes = 5"),
        (-1, 5, "has the target -1, and the network has 5 outputs, 0 to 4, number the classes from 0"),
    ],
)
def test_targets_that_the_network_has_no_outputs_for_are_named_in_the_first_batch(first, classes, words):
    with pytest.raises(ConfigError, match=words):
        run(data__dataset="mine:unnamed", data__options={"size": 80, "first": first}, network__num_classes=classes)


def test_a_target_that_is_ignored_needs_no_output():
    assert run(training__loss_params={"ignore_index": 3}, network__num_classes=3)["training"]["epochs"] == 3


def test_who_changes_the_loss_knows_what_the_targets_are():
    assert run(training__type="Merged", network__num_classes=2)["training"]["epochs"] == 3


@pytest.mark.parametrize("schedule", ["cosine", "constant", "StepLR"])
def test_loaders_without_a_length_train_and_the_rate_changes_after_each_epoch(schedule):
    params = {"step_size": 1} if schedule == "StepLR" else {}
    result = run("streams", training__schedule=schedule, training__schedule_params=params)
    rows = [row["values"] for row in read_record(result.path).metrics()]
    assert [row["step"] for row in read_record(result.path).metrics() if "epoch" in row["values"]] == [4, 9, 14]
    rates = [row["learning_rate"] for row in rows if "learning_rate" in row]
    expected = {"cosine": [0.01, 0.0075, 0.0025], "constant": [0.01] * 3, "StepLR": [0.01, 0.001, 0.0001]}
    assert rates == pytest.approx(expected[schedule])
    assert result["testing"]["accuracy"] > 0.5


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"accumulate": 2}, "accumulate = 2 needs a training loader that has a length, give it a __len__"),
        ({"schedule_per": "step"}, 'schedule_per = "step" needs a training loader that has a length'),
    ],
)
def test_what_needs_the_length_of_a_loader_says_so(tmp_path, given, words):
    with pytest.raises(ConfigError, match=words):
        run("streams", **{f"training__{name}": value for name, value in given.items()})
    assert not list((tmp_path / "runs").glob("streams/2*"))


def test_a_loader_that_gives_its_batches_once_is_named():
    with pytest.raises(ConfigError, match="the training data gives no batches, a generator gives them once"):
        run("streams", data__type="mine:Once")
