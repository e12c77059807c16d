"""What the parameters of TrainingProcess do, each in a real pipeline on small made-up data."""

from __future__ import annotations

import json
import sys
from types import ModuleType
from xml.etree import ElementTree

import pytest

from tests.builtin.pipelines import TRAINING
from tipi import PipelineRunner
from tipi.errors import ConfigError, GuardStop, TipiError
from tipi.records import read_record

PIPELINE = f"""
seed = 1
{TRAINING}
[processes.testing]
type = "TestingProcess"
"""

OWN = """
import torch
from tipi_plugins.builtin.datasets import Images, synthetic
from tipi_plugins.builtin.training import TrainingProcess

called = []


class Halving(torch.optim.SGD):
    pass


def half_squared(outputs, targets):
    return (outputs.softmax(dim=1) - torch.nn.functional.one_hot(targets, outputs.shape[1])).square().mean() / 2


def certainty(outputs, targets):
    return outputs.softmax(dim=1).max(dim=1).values.mean()


def after(process, epoch, figures):
    called.append((epoch, sorted(figures)))
    return epoch == 2


def fails_at_batch_3(process, epoch, figures):
    if epoch == 2:
        process.criterion = lambda outputs, targets: outputs.sum() * float("nan")


def fails_to_validate_from_3(process, epoch, figures):
    if epoch == 2:
        plain = process.criterion
        scale = lambda outputs: 1 if outputs.requires_grad else torch.nan
        process.criterion = lambda outputs, targets: plain(outputs, targets) * scale(outputs)


class Sure(TrainingProcess):
    def metrics(self, outputs, targets):
        return {"sureness": certainty(outputs, targets)}


def alone(size):
    return [torch.zeros(3)] * size


def named(size):
    return [{"inputs": torch.zeros(3), "targets": 1}] * size


def nested(size):
    return [({"left": torch.ones(3), "names": "a"}, torch.ones(1))] * size


class Nested(torch.nn.Linear):
    def forward(self, inputs):
        return super().forward(inputs["left"])


def reads_nested():
    return Nested(3, 1)


def spoilt(size, part="val"):
    whole = synthetic(size=size)
    return {"train": whole, part: Images(whole.images * torch.nan, whole.targets, whole.classes)}
"""


@pytest.fixture(autouse=True)
def _project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "small.toml").write_text(PIPELINE)
    (tmp_path / "mine.py").write_text(OWN)


def run(**overrides):
    named = {
        f"training.{key}" if "__" not in key else key.replace("__", "."): value for key, value in overrides.items()
    }
    return PipelineRunner("small", overrides=named).run()


def epochs(result):
    rows = read_record(result.path).metrics()
    return [row["values"] for row in rows if "epoch" in row["values"]]


@pytest.mark.parametrize(
    "given",
    [
        {"optimizer": "sgd", "optimizer_params": {"momentum": 0.9}, "learning_rate": 0.05},
        {"optimizer": "mine:Halving", "learning_rate": 0.5},
        {"loss": "mine:half_squared", "learning_rate": 0.03},
        {"loss": "CrossEntropyLoss", "loss_params": {"label_smoothing": 0.1}},
        {"schedule": "StepLR", "schedule_params": {"step_size": 1, "gamma": 0.5}},
        {"schedule": "OneCycleLR"},
        {"schedule": "ReduceLROnPlateau"},
        {"schedule": "CosineAnnealingLR", "schedule_per": "step"},
        {"accumulate": 3, "epochs": 8},
        {"clip_norm": 1.0, "clip_value": 0.5},
        {"precision": "bfloat16"},
    ],
    ids=lambda given: " ".join(f"{key}={value}" for key, value in given.items()),
)
def test_it_learns_with(given):
    assert run(**given)["testing"]["accuracy"] > 0.85


def test_a_named_schedule_steps_once_an_epoch():
    result = run(schedule="StepLR", schedule_params={"step_size": 1, "gamma": 0.1})
    assert [row["learning_rate"] for row in epochs(result)] == pytest.approx([0.01, 0.001, 0.0001])


def test_accumulated_batches_give_the_step_of_one_large_batch():
    whole = run(epochs=1, schedule="constant", warmup=0.0, optimizer="SGD", data__batch_size=112)
    parts = run(epochs=1, schedule="constant", warmup=0.0, optimizer="SGD", accumulate=7, data__batch_size=16)
    assert parts["testing"]["loss"] == pytest.approx(whole["testing"]["loss"], rel=1e-4)


def test_it_stops_early_and_keeps_the_best(tmp_path):
    result = run(epochs=30, patience=2, learning_rate=0.3, schedule="constant")
    assert result["training"]["epochs"] == result["training"]["best_epoch"] + 2 < 30


def test_the_best_epoch_may_be_that_of_another_metric():
    result = run(monitor="val/f1", mode="max", metrics=["f1"], epochs=4)
    scores = [row["val/f1"] for row in epochs(result)]
    assert result["training"]["best_epoch"] == scores.index(max(scores)) + 1


def test_a_metric_to_choose_by_that_is_not_there_is_named_before_anything_trains(tmp_path):
    with pytest.raises(ConfigError, match=r"no metric 'val/nothing' to choose by, .*logged: learning_rate, train/loss"):
        run(monitor="val/nothing")
    with pytest.raises(ConfigError, match=r"no metric 'val/acuracy' to choose by, .*did you mean 'val/accuracy'\?"):
        run(monitor="val/acuracy")
    for folder in (tmp_path / "runs" / "small").glob("2*"):
        assert not list(read_record(folder).metrics())


def test_a_metric_of_a_subclass_may_be_chosen_by():
    result = run(type="Sure", monitor="val/sureness", mode="max")
    scores = [row["val/sureness"] for row in epochs(result)]
    assert result["training"]["best_epoch"] == scores.index(max(scores)) + 1


@pytest.mark.parametrize(
    ("dataset", "words"),
    [
        (
            "mine:alone",
            "a batch is a Tensor of 16; wanted are inputs and targets: wrap the dataset, or override train_step",
        ),
        ("mine:named", "a batch is a dict of 2; wanted"),
    ],
)
def test_a_batch_that_is_no_pair_is_described(dataset, words):
    with pytest.raises(TypeError, match=words):
        run(data__dataset=dataset)


def test_inputs_may_be_nested(tmp_path):
    result = run(data__dataset="mine:nested", network__model="mine:reads_nested", loss="mse_loss", monitor="train/loss")
    assert result["training"]["loss"] < 1


def test_metrics_by_name_and_of_the_project():
    names = ["top5", "precision", "recall", "f1", "balanced_accuracy", "mine:certainty"]
    figures = epochs(run(metrics=names))[-1]
    for name in ("top5", "precision", "recall", "f1", "balanced_accuracy", "certainty"):
        assert 0 < figures[f"val/{name}"] <= 1.000001
    assert "val/accuracy" not in figures


def test_callbacks_see_every_epoch_and_may_stop():
    result = run(callbacks=["mine:after"], epochs=5)
    assert result["training"]["epochs"] == 2


def test_the_best_and_the_last_two_checkpoints_are_in_the_record():
    result = run(epochs=30, patience=3, learning_rate=0.3, schedule="constant")
    folder = result.path / "checkpoints"
    kept = {path.name for path in folder.glob("step-*")}
    best, last = ((folder / word).read_text().strip() for word in ("best", "last"))
    assert {best, last} <= kept
    assert len(kept) == 3, "the one before the last is there too"
    assert result["testing"]["weights"] == f"checkpoints/{best}"
    assert result["testing"]["best_epoch"] == result["training"]["best_epoch"]
    events = [json.loads(line) for line in (result.path / "events.jsonl").read_text().splitlines()]
    (loaded,) = [event for event in events if "weights_loaded" in event.values()]
    assert loaded["epoch"] == result["training"]["best_epoch"]


def test_checkpoints_may_be_left_out():
    result = run(checkpoint=False)
    assert not (result.path / "checkpoints").exists()
    assert result["testing"]["weights"] == "current"


def test_testing_leaves_the_tables_of_a_classifier():
    result = run()
    text = (result.path / "artifacts" / "test-classes.txt").read_text()
    assert text.startswith("class    precision  recall      f1  items\n")
    assert "class 3 " in text
    assert "a row is what is true, a column what was answered" in text


@pytest.mark.parametrize("installed", [True, False])
def test_testing_logs_the_answers_as_a_figure(monkeypatch, installed):
    drawn = []
    if installed:
        figures = ModuleType("matplotlib.figure")
        figures.Figure = lambda **options: FakeFigure(drawn)
        monkeypatch.setitem(sys.modules, "matplotlib.figure", figures)
    monkeypatch.setattr("tipi_plugins.builtin.confusion.find_spec", lambda name: installed or None)
    result = run()
    (row,) = [row for row in read_record(result.path).metrics() if row.get("files")]
    figure = row["files"]["test/confusion"]
    assert figure["type"] == "figure"
    path = result.path / figure["path"]
    if installed:
        assert path.suffix == ".png"
        assert drawn[0]["title"] == "Testing: answers"
        return
    drawing = ElementTree.parse(path).getroot()
    texts = [element.text for element in drawing.iter() if element.tag.endswith("}text")]
    assert path.suffix == ".svg"
    assert texts[2:4] == ["class 0", "class 0"]
    assert sum(int(text) for text in texts if text.isdecimal()) == 32  # the test part


def test_a_loss_that_becomes_nan_names_the_batch_and_the_last_good_checkpoint():
    with pytest.raises(GuardStop) as caught:
        run(epochs=5, callbacks=["mine:fails_at_batch_3"])
    assert "the training loss of epoch 3 is nan at batch 0, counted from 0" in str(caught.value)
    (path,) = [word.strip(",") for word in str(caught.value).split() if "step-" in word]
    assert (path_of(path) / "manifest.json").is_file()


def test_a_validation_loss_that_is_nan_from_the_start_stops_the_run():
    words = r"val/loss of epoch 1 is nan, and no epoch can be chosen by it, look for NaN in the validation data"
    with pytest.raises(GuardStop, match=words):
        run(data__dataset="mine:spoilt")
    assert run(data__dataset="mine:spoilt", monitor="train/loss")["training"]["epochs"] == 3


def test_a_validation_loss_that_becomes_nan_is_said_and_never_the_best(caplog):
    result = run(callbacks=["mine:fails_to_validate_from_3"], epochs=6, patience=3)
    assert result["training"]["best_epoch"] == 2
    assert result["training"]["epochs"] == 5  # patience counts them
    assert "val/loss of epoch 3 is nan; the best epoch is still 2" in caplog.text
    kept = read_record(result.path).path / "checkpoints" / result["testing"]["weights"].rpartition("/")[2]
    assert (kept / "manifest.json").is_file()


def test_a_test_loss_that_is_nan_is_said(caplog):
    run(data__dataset="mine:spoilt", data__options={"part": "test"})
    assert "the test loss is nan: look for NaN in that part of the data" in caplog.text


class FakeFigure:
    """The part of matplotlib that is used, where it is not installed."""

    def __init__(self, drawn):
        self.drawn = drawn

    def subplots(self):
        return self

    def set(self, **words):
        self.drawn.append(words)

    def savefig(self, path):
        path.write_bytes(b"png")

    def __getattr__(self, name):
        return lambda *arguments, **options: None


def path_of(text):
    from pathlib import Path

    return Path(text)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"optimizer": "AdamX"}, "there is no optimizer 'AdamX'"),
        ({"optimizer_params": {"momentun": 0.9}, "optimizer": "SGD"}, r"takes no parameter 'momentun', did you mean"),
        ({"loss": "cross_entropi"}, r"there is no loss 'cross_entropi'.* did you mean 'cross_entropy' or"),
        ({"loss_params": {"smoothing": 1}}, "loss 'cross_entropy' takes no parameter 'smoothing'"),
        ({"schedule": "cosin"}, r"there is no schedule 'cosin'.* did you mean 'cosine'\?"),
        ({"schedule_params": {"gamma": 1}}, "schedule 'cosine' takes no schedule_params"),
        ({"metrics": ["acuracy"]}, r"there is no metric 'acuracy'.* did you mean 'accuracy'\?"),
        ({"callbacks": ["after"]}, "there is no callback 'after'.* or write module:name"),
        ({"callbacks": ["os:system"]}, "os"),
        ({"accumulate": 0}, "'accumulate' of TrainingProcess wants int >= 1, not 0"),
        ({"precision": "float16"}, "precision float16 needs a GPU"),
    ],
)
def test_what_does_not_exist_is_named(given, words):
    with pytest.raises(TipiError, match=words):
        run(**given)
