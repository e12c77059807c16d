"""What is measured of a network's outputs, whatever they are and however many classes there are."""

from __future__ import annotations

import logging
from xml.etree import ElementTree

import pytest
import torch

from tests.builtin.pipelines import TRAINING
from tipi import PipelineRunner
from tipi.errors import ConfigError
from tipi_plugins.builtin.confusion import draw_svg
from tipi_plugins.builtin.measures import (
    Measures,
    Tally,
    average_classes,
    class_names,
    count_by_class,
    format_answers,
)

CPU = torch.device("cpu")

PIPELINE = f"""
seed = 1
{TRAINING}
[processes.testing]
type = "TestingProcess"
"""

OWN = """
import torch
from torch.nn import functional
from torch.utils.data import TensorDataset
from tipi_plugins.builtin.models import mlp


class Named(torch.nn.Module):
    def __init__(self, num_classes=4, shape=(1, 8, 8)):
        super().__init__()
        self.inner = mlp(num_classes, shape)

    def forward(self, inputs):
        return {"scores": self.inner(inputs)}


def of_scores(outputs, targets):
    return functional.cross_entropy(outputs["scores"], targets)


def right(outputs, targets):
    return (outputs["scores"].argmax(dim=1) == targets).float().mean()


def not_reduced(outputs, targets):
    return functional.cross_entropy(outputs, targets, reduction="none")


def numbers(size):
    return TensorDataset(torch.randn(size, 1, 8, 8), torch.randn(size, 1))
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "small.toml").write_text(PIPELINE)
    (tmp_path / "mine.py").write_text(OWN)
    return lambda **overrides: PipelineRunner("small", overrides=overrides | {"training.epochs": 1}).run()


def test_outputs_that_are_a_dict_are_measured_by_a_loss_and_metrics_that_read_them(run):
    own = {"loss": "mine:of_scores", "metrics": ["mine:right"]}
    both = {f"{process}.{key}": value for process in ("training", "testing") for key, value in own.items()}
    result = run(**both, **{"network.model": "mine:Named"})
    assert set(result["testing"]) == {"split", "loss", "right", "weights", "best_epoch"}


@pytest.mark.parametrize("process", ["training", "testing"])
def test_outputs_that_a_loss_of_torch_cannot_read_are_said_with_the_cure(run, process):
    own = {} if process == "training" else {"training.loss": "mine:of_scores"}
    words = f"batch 0 of {process}, counted from 0, has outputs that are a dict and no tensor, name a loss of yours"
    with pytest.raises(ConfigError, match=words):
        run(**own, **{"network.model": "mine:Named"})


def test_a_metric_that_cannot_be_measured_is_said(run, caplog):
    overrides = {"data.dataset": "mine:numbers", "network.num_classes": 1}
    overrides |= {"training.loss": "mse_loss", "testing.loss": "mse_loss", "testing.metrics": ["f1", "mae"]}
    with caplog.at_level(logging.WARNING):
        result = run(**overrides)
    assert set(result["testing"]) == {"split", "loss", "mae", "weights", "best_epoch"}
    assert "f1: not measured on the test part: outputs and targets are not scores of classes" in caplog.text


def test_a_loss_that_is_no_mean_is_refused(run):
    for reduction in ("sum", "none"):
        with pytest.raises(ConfigError, match=f"gives the mean of a batch, not reduction = '{reduction}'"):
            run(**{"testing.loss_params": {"reduction": reduction}})
    with pytest.raises(TypeError, match=r"the loss of a batch has the shape \(16,\); wanted is their mean"):
        run(**{"testing.loss": "mine:not_reduced"})


def test_a_misspelt_name_of_the_last_process_is_found_before_anything_is_imported(run, cli, tmp_path):
    text = PIPELINE + 'params = { loss = "cross_entrpy", metrics = ["acuracy"] }\n'
    (tmp_path / "configs" / "small.toml").write_text(text)
    done = cli("validate", "small")
    assert done.code == 2
    assert "there is no loss 'cross_entrpy'" in done.out + done.err
    assert "there is no metric 'acuracy'" in done.out + done.err


def take(classes, confusion=True, averages=()):
    tally = Tally(CPU, Measures(averages=averages), confusion)
    targets = torch.arange(classes)
    outputs = torch.zeros(classes, classes)
    outputs[targets, torch.where(targets == 3, 0, targets)] = 1  # what is 3 is taken for 0
    tally.add(outputs, targets, torch.tensor(0.5), {})
    return tally


def test_of_very_many_classes_only_each_ones_own_numbers_are_counted():
    tally = take(1001, averages=("recall", "precision"))
    assert tally.confusion is None
    figures = tally.figures()
    assert figures["recall"] == pytest.approx(1000 / 1001)
    assert figures["precision"] == pytest.approx((999 + 0.5) / 1001)
    assert take(1000).confusion.shape == (1000, 1000)


def test_the_text_of_many_classes_has_the_most_frequent_mistakes():
    names = [f"kind {index}" for index in range(101)]
    text = format_answers(take(101).confusion, names)
    assert text.splitlines()[2:] == ["    1  kind 3  kind 0"]
    assert "a row is what is true" in format_answers(take(100).confusion, names[:100])


def test_names_that_no_file_takes_are_written_all_the_same():
    names = class_names(["caf\udce9", "a\tb", "犬 <x>"], 3)
    assert names == ["caf?", "a?b", "犬 <x>"]
    drawn = draw_svg([[1] * 3] * 3, names, "answers").encode()
    assert [text.text for text in ElementTree.fromstring(drawn) if text.text in names] == ["caf?"] * 2 + ["a?b"] * 2 + [
        "犬 <x>"
    ] * 2


def test_a_pass_whose_items_are_all_ignored_has_no_averages():
    tally = Tally(CPU, Measures(averages=("f1",)))
    tally.add(torch.zeros(2, 3), torch.tensor([-100, -100]), torch.tensor(0.0), {})
    assert tally.figures() == {"loss": 0.0}
    assert average_classes(count_by_class(torch.tensor([0]), torch.tensor([0]), torch.tensor([1]), 2))["f1"] == 1.0


def test_targets_that_are_named_count_items_and_not_names():
    tally = Tally(CPU)
    tally.add({}, {"boxes": torch.zeros(5, 4), "labels": torch.zeros(5)}, torch.tensor(2.0), {})
    assert (tally.count, tally.figures()) == (5, {"loss": 2.0})
