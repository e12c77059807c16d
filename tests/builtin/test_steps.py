"""What a step of training does to the weights, beside the same loop written by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tipi import PipelineRunner
from tipi.errors import ConfigError
from tipi.plugin import load_checkpoint
from tipi.records import read_record
from tipi_plugins.builtin import fitting
from tipi_plugins.builtin.keeping import BestWeights
from tipi_plugins.devices.torch_backend import TorchBackend

PIPELINE = """
[permanences.network]
type = "mine:Net"

[permanences.data]
type = "mine:Data"

[processes.training]
type = "TrainingProcess"
params = { epochs = 1, learning_rate = 0.1, optimizer = "SGD", schedule = "constant", warmup = 0.0 }
"""

OWN = """
import torch
from torch import nn
from tipi_plugins.builtin.training import TrainingProcess

SIZES = (4, 4, 4, 4, 4, 4, 1)


class Data:
    def __init__(self, sizes=SIZES, val=(4,), scale=1.0, claims=0):
        drawn = torch.Generator().manual_seed(0)
        self.train_loader = [(scale * torch.randn(size, 3, generator=drawn), torch.arange(size) % 2) for size in sizes]
        self.val_loader = [(torch.randn(size, 3, generator=drawn), torch.arange(size) % 2) for size in val]
        if claims:
            self.train_loader = Claiming(self.train_loader, claims)


class Claiming:
    def __init__(self, batches, claims):
        self.batches, self.claims = batches, claims

    def __iter__(self):
        return iter(self.batches)

    def __len__(self):
        return self.claims


class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.used, self.unused = nn.Linear(3, 2), nn.Linear(3, 2)

    def forward(self, inputs):
        return self.used(inputs)


def normalised():
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))


class Net:
    def __init__(self, make="linear", frozen=False):
        torch.manual_seed(0)
        makers = {"linear": lambda: nn.Linear(3, 2), "two": Two, "normalised": normalised}
        makers |= {"nothing": nn.Identity, "lazy": lambda: nn.LazyLinear(2)}
        self.model = makers[make]()
        for parameter in self.model.parameters() if frozen else ():
            parameter.requires_grad_(False)
        self.device = torch.device("cpu")


def raises(process, epoch, figures):
    raise LookupError("of the user")


class Forgetful(TrainingProcess):
    def train_step(self, model, batch, device):
        super().train_step(model, batch, device)


class Floats(TrainingProcess):
    def metrics(self, outputs, targets):
        return {"certain": outputs.softmax(1).amax(1).mean(), "share": 0.25}


class Searching(TrainingProcess):
    def train_step(self, model, batch, device):
        inputs, targets = batch

        def closure():
            self.optimizer.zero_grad()
            loss = self.loss(model(inputs), targets)
            loss.backward()
            return loss

        return self.optimizer.step(closure)
"""


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "small.toml").write_text(PIPELINE)
    (tmp_path / "mine.py").write_text(OWN)
    return tmp_path


def run(**words):
    given = {(key if "__" in key else f"training__{key}").replace("__", "."): value for key, value in words.items()}
    return PipelineRunner("small", overrides=given).run()


def weights_after(**words):
    return load_checkpoint(run(**words).path, TorchBackend()).state["model"]


def by_hand(groups, change=lambda model: None, scale=1.0, rate=0.1):
    """The weights after a step for each group of batches, given by their numbers."""
    torch.manual_seed(0)
    model, drawn = nn.Linear(3, 2), torch.Generator().manual_seed(0)
    sizes = (4, 4, 4, 4, 4, 4, 1)
    batches = [(scale * torch.randn(size, 3, generator=drawn), torch.arange(size) % 2) for size in sizes]
    for group in groups:
        model.zero_grad()
        losses = [nn.functional.cross_entropy(model(batches[index][0]), batches[index][1]) for index in group]
        torch.stack(losses).mean().backward()
        change(model)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.sub_(rate * parameter.grad)
    return model.state_dict()


def same(one, other):
    return all(torch.allclose(one[name], other[name], atol=1e-6) for name in other)


@pytest.mark.parametrize(
    ("accumulate", "groups"),
    [
        (1, [[index] for index in range(7)]),
        (2, [[0, 1], [2, 3], [4, 5], [6]]),
        (3, [[0, 1, 2], [3, 4, 5], [6]]),
        (5, [[0, 1, 2, 3, 4], [5, 6]]),
        (7, [[0, 1, 2, 3, 4, 5, 6]]),
        (9, [[0, 1, 2, 3, 4, 5, 6]]),
    ],
)
def test_accumulated_batches_count_the_same_and_the_last_group_may_be_smaller(accumulate, groups):
    assert same(weights_after(accumulate=accumulate), by_hand(groups))


def test_a_loader_that_ends_before_its_length_leaves_no_gradients_for_the_next_epoch():
    after = weights_after(accumulate=2, epochs=2, data__sizes=[4, 4, 4], data__claims=4)
    assert same(after, by_hand([[0, 1], [0, 1]]))  # the third batch waits for a fourth, which never comes


@pytest.mark.parametrize("precision", ["float32", "float16"])
@pytest.mark.parametrize("clip", ["clip_norm", "clip_value"])
def test_what_is_clipped_are_the_gradients_themselves_whatever_a_scaler_made_of_them(monkeypatch, precision, clip):
    monkeypatch.setattr(fitting, "check_precision", lambda precision, device: None)

    def change(model):
        if clip == "clip_norm":
            nn.utils.clip_grad_norm_(model.parameters(), 0.05)
        else:
            nn.utils.clip_grad_value_(model.parameters(), 0.05)

    after = weights_after(**{clip: 0.05}, precision=precision, data__scale=0.1)
    expected = by_hand([[index] for index in range(7)], change, scale=0.1)
    assert all(torch.allclose(after[name], expected[name], atol=1e-3) for name in expected)


def test_a_step_that_a_scaler_leaves_out_is_no_step_before_the_first(monkeypatch):
    monkeypatch.setattr(fitting, "check_precision", lambda precision, device: None)
    after = weights_after(precision="float16", data__scale=300.0, data__sizes=[4], schedule="cosine", warmup=0.5)
    assert same(after, by_hand([]))  # its gradients were too large for float16


@pytest.mark.parametrize("clip", ["clip_norm", "clip_value"])
def test_a_limit_that_would_turn_gradients_around_is_refused(clip):
    with pytest.raises(ConfigError, match=f"'{clip}' of TrainingProcess wants float > 0 or None, not -1.0"):
        run(**{clip: -1.0})


def test_parameters_that_get_no_gradient_stay_as_they_are():
    after = weights_after(network__make="two", clip_norm=1.0, clip_value=0.5, optimizer="AdamW")
    torch.manual_seed(0)
    used, unused = nn.Linear(3, 2), nn.Linear(3, 2)
    assert torch.equal(after["unused.weight"], unused.weight)
    assert not torch.equal(after["used.weight"], used.weight)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"network__frozen": True}, "none of the model's 2 parameters learns"),
        ({"network__make": "nothing"}, "the model has no parameters"),
        ({"optimizer": "LBFGS"}, "optimizer 'LBFGS' computes the loss several times for each step, .*take another, or"),
        (
            {"loss_params": {"reduction": "none"}},
            "a loss gives the mean of a batch, not reduction = 'none', leave reduction out",
        ),
        ({"data__val": [], "patience": 2}, "patience = 2 waits for val/loss, and the data has no validation part, set"),
        ({"data__val": [], "monitor": "val/accuracy"}, "chosen by val/accuracy, and the data has no validation part"),
    ],
)
def test_what_cannot_be_trained_is_one_sentence_before_a_run_begins(project, words, told):
    with pytest.raises(ConfigError, match=told):
        run(**words)
    assert not list((project / "runs").glob("small/2*"))


def test_a_model_that_takes_its_sizes_from_the_first_batch_trains():
    after = weights_after(network__make="lazy", optimizer="AdamW")
    assert after["weight"].shape == (2, 3)


def test_an_optimizer_that_computes_the_loss_itself_works_with_an_own_step():
    result = run(type="mine:Searching", optimizer="LBFGS", learning_rate=1.0)
    assert result["training"]["epochs"] == 1


def test_a_last_batch_that_is_too_small_to_be_normalised_is_named():
    with pytest.raises(ConfigError) as caught:
        run(network__make="normalised")
    words = "batch 6 of training, counted from 0, has one item, and batch normalisation needs two"
    assert words in str(caught.value)
    assert "drop_last = true" in str(caught.value)


def test_a_step_that_returns_no_loss_is_told_what_is_wanted():
    with pytest.raises(
        TypeError, match="train_step returned a NoneType; wanted is the loss of the batch, a tensor or a number"
    ):
        run(type="mine:Forgetful")


def test_metrics_of_a_subclass_may_be_tensors_and_numbers():
    rows = [row["values"] for row in read_record(run(type="mine:Floats").path).metrics()]
    assert [row["val/share"] for row in rows if "epoch" in row] == [0.25]
    assert all(0.5 <= row["val/certain"] <= 1 for row in rows if "epoch" in row)


def test_what_a_callback_raises_keeps_its_kind_and_the_epoch_is_kept(project):
    with pytest.raises(LookupError, match="of the user"):
        run(callbacks=["mine:raises"])
    (record,) = (project / "runs" / "small").glob("2*")
    assert load_checkpoint(record, TorchBackend()).state["epoch"] == 1


@pytest.mark.parametrize("val", [[], [4]], ids=["no validation", "validation"])
def test_one_epoch_is_the_best_and_the_last(val):
    result = run(data__val=val, schedule="cosine", warmup=0.5)
    assert (result["training"]["epochs"], result["training"]["best_epoch"]) == (1, 1)


@pytest.mark.parametrize(
    ("mode", "scores", "best", "waited"),
    [
        ("max", [0.50, 0.54, 0.56, 0.60], 3, 1),  # by 0.05 at least: 0.54 is not, 0.56 is, 0.60 is not
        ("min", [0.50, 0.46, 0.44, 0.40], 3, 1),
        ("max", [0.50, 0.40, 0.30], 1, 2),
        ("max", [-0.9, -0.5, -0.4], 3, 0),
    ],
)
def test_what_counts_as_better_is_told_by_mode_and_min_delta(mode, scores, best, waited):
    model = nn.Linear(1, 1)
    kept = BestWeights(model, "score", mode, min_delta=0.05)
    for epoch, score in enumerate(scores, start=1):
        with torch.no_grad():
            model.bias.fill_(epoch)
        kept.offer(epoch, score)
    assert (kept.epoch, kept.waited) == (best, waited)
    kept.restore()
    assert model.bias.item() == best


def test_a_plateau_is_one_of_what_the_best_epoch_is_chosen_by(monkeypatch):
    rising = {"monitor": "val/accuracy", "mode": "max", "epochs": 4}
    monkeypatch.setattr("tipi_plugins.builtin.training.evaluate", Rising())
    result = run(schedule="ReduceLROnPlateau", schedule_params={"patience": 0}, **rising)
    rows = [row["values"] for row in read_record(result.path).metrics()]
    assert [row["learning_rate"] for row in rows if "epoch" in row] == [0.1] * 4


class Rising:
    """Validations of which each is better than the one before."""

    def __init__(self):
        self.accuracy = 0.1

    def __call__(self, *arguments, **options):
        self.accuracy += 0.1
        return {"loss": 1.0, "accuracy": self.accuracy}
