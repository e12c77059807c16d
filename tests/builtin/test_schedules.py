"""The rate of each epoch, and of each step, is what the schedule's formula says; what cannot be had is said before."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.optim import SGD, lr_scheduler

from tests.builtin.pipelines import TRAINING
from tipi import PipelineRunner
from tipi.errors import ConfigError
from tipi.plugin import load_checkpoint
from tipi.records import read_record
from tipi_plugins.builtin import keeping, recipes
from tipi_plugins.devices.torch_backend import TorchBackend

RATE, EPOCHS, BATCHES = 0.01, 3, 4  # 64 items in batches of 16
SENSIBLE = {
    "StepLR": {"step_size": 2},
    "MultiStepLR": {"milestones": [1, 2]},
    "ExponentialLR": {"gamma": 0.5},
    "CyclicLR": {"base_lr": 0.001, "max_lr": 0.1, "cycle_momentum": False, "step_size_up": 2},
    "CosineAnnealingWarmRestarts": {"T_0": 2},
    "ReduceLROnPlateau": {"patience": 0, "threshold": 0.9},  # which no loss here falls by: it is lowered from then on
    "OneCycleLR": {"max_lr": RATE, "cycle_momentum": False},
}
UNWRITABLE = {
    "LambdaLR": "lr_lambda",
    "MultiplicativeLR": "lr_lambda",
    "SequentialLR": "schedulers",
    "ChainedScheduler": "schedulers",
}
NAMES = [name for name in lr_scheduler.__all__ if name != "LRScheduler"]
PER_STEP = ("OneCycleLR", "CyclicLR")

OWN = """
import torch
from torch.optim import lr_scheduler
from tipi_plugins.builtin.training import TrainingProcess


def halves(optimizer):
    return lr_scheduler.LambdaLR(optimizer, lambda step: 0.5 ** step)


def refuses(optimizer):
    raise ValueError("of the user")


class Seen(TrainingProcess):
    def train_step(self, model, batch, device):
        with open("rates.txt", "a") as file:
            print(self.optimizer.param_groups[0]["lr"], file=file)
        return super().train_step(model, batch, device)
"""


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs").mkdir()
    text = TRAINING.replace("size = 160", "size = 64").replace(
        "batch_size = 16", "batch_size = 16, test_fraction = 0.0"
    )
    (tmp_path / "configs" / "small.toml").write_text(
        text.replace("test_fraction = 0.0", "test_fraction = 0.0, val_fraction = 0.0")
    )
    (tmp_path / "mine.py").write_text(OWN)
    return tmp_path


def run(**params):
    words = {"training.type": "mine:Seen", **{f"training.{key}": value for key, value in params.items()}}
    return PipelineRunner("small", overrides=words).run()


def rates(project):
    """The rate of every step."""
    return [float(line) for line in (project / "rates.txt").read_text().split()]


def by_hand(schedule, per):
    """Torch's own scheduler, stepped as the documentation of torch does it, from the rate of the optimizer."""
    optimizer = SGD([nn.Parameter(torch.zeros(1))], lr=RATE)
    scheduler = schedule(optimizer)
    seen = []
    for _ in range(EPOCHS):
        for _ in range(BATCHES):
            seen.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            if per == "step":
                scheduler.step()
        if per == "epoch":
            scheduler.step(*([1.0] if isinstance(scheduler, lr_scheduler.ReduceLROnPlateau) else []))
    return seen


@pytest.mark.parametrize("per", [None, "step", "epoch"])
@pytest.mark.parametrize("name", [name for name in NAMES if name not in UNWRITABLE])
def test_every_scheduler_of_torch_sets_the_rates_that_it_sets_by_hand(project, name, per):
    result = run(schedule=name, schedule_params=SENSIBLE.get(name, {}), schedule_per=per, optimizer="SGD")
    told = per or ("step" if name in PER_STEP else "epoch")
    told = "epoch" if name == "ReduceLROnPlateau" else told  # it is told a figure, and that is one of an epoch
    length = EPOCHS * BATCHES if told == "step" else EPOCHS
    taken = {"T_max": length, "total_steps": length} | ({} if name == "ConstantLR" else {"total_iters": length})
    kind = getattr(lr_scheduler, name)
    known = {key: value for key, value in taken.items() if key in kind.__init__.__code__.co_varnames}
    expected = by_hand(lambda optimizer: kind(optimizer, **known, **SENSIBLE.get(name, {})), told)
    assert rates(project) == pytest.approx(expected)
    assert result["training"]["epochs"] == EPOCHS


@pytest.mark.parametrize("name", UNWRITABLE)
def test_what_no_config_can_write_is_said_before_a_run_begins(project, name):
    with pytest.raises(ConfigError) as caught:
        run(schedule=name)
    words = (
        f"schedule {name!r} needs the parameter {UNWRITABLE[name]!r}, no config can write it: name a function of yours"
    )
    assert words in str(caught.value)
    assert not list((project / "runs").glob("small/2*"))


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"schedule": "StepLR"}, "schedule 'StepLR' needs the parameter 'step_size', give it in schedule_params"),
        (
            {"schedule": "ConstantLR", "schedule_params": {"factor": 2.0}},
            "schedule 'ConstantLR' cannot be made: Constant multiplicative factor expected to be between 0 and 1",
        ),
        (
            {"schedule": "OneCycleLR", "optimizer": "Adagrad"},
            "schedule 'OneCycleLR' cannot be made: optimizer must support momentum",
        ),
        (
            {"optimizer": "SGD", "optimizer_params": {"nesterov": True}},
            "optimizer 'SGD' cannot be made: Nesterov momentum requires a momentum",
        ),
    ],
)
def test_what_torch_refuses_is_one_sentence_before_a_run_begins(project, params, words):
    with pytest.raises(ConfigError, match=words):
        run(**params)
    assert not list((project / "runs").glob("small/2*"))


def test_a_scheduler_of_the_project_is_called_with_the_optimizer(project):
    run(schedule="mine:halves", optimizer="SGD")
    assert rates(project)[::BATCHES] == pytest.approx([RATE, RATE / 2, RATE / 4])


def test_what_a_scheduler_of_the_project_raises_keeps_its_kind():
    with pytest.raises(ValueError, match=r"^of the user"):
        run(schedule="mine:refuses")


@pytest.mark.parametrize(
    ("schedule", "warmup", "factors"),
    [
        ("cosine", 0.0, [(1 + math.cos(math.pi * epoch / 8)) / 2 for epoch in range(8)]),
        ("cosine", 0.25, [1 / 2, 1, *((1 + math.cos(math.pi * epoch / 6)) / 2 for epoch in range(6))]),
        ("constant", 0.0, [1.0] * 8),
        ("constant", 0.5, [1 / 4, 2 / 4, 3 / 4, 1, 1, 1, 1, 1]),
        ("constant", 1.0, [epoch / 8 for epoch in range(1, 9)]),
    ],
)
def test_the_built_in_schedules_change_the_rate_after_each_epoch_if_asked(project, schedule, warmup, factors):
    result = run(schedule=schedule, warmup=warmup, schedule_per="epoch", epochs=8)
    expected = [RATE * factor for factor in factors]
    logged = [row["values"].get("learning_rate") for row in read_record(result.path).metrics()]
    assert [rate for rate in logged if rate is not None] == pytest.approx(expected)
    assert rates(project) == pytest.approx([rate for rate in expected for _ in range(BATCHES)])


def test_the_built_in_schedules_change_the_rate_with_each_step_of_the_optimizer(project):
    run(schedule="cosine", warmup=0.5, accumulate=2, epochs=2)
    factors = [1 / 2, 1, 1, 1 / 2]  # four steps of two batches, two of them to rise
    assert rates(project) == pytest.approx([RATE * factor for factor in factors for _ in range(2)])


@pytest.mark.parametrize("name", ["cosine", *(name for name in NAMES if name not in UNWRITABLE)])
def test_a_schedule_goes_on_from_a_checkpoint(name, monkeypatch):
    monkeypatch.setattr(keeping, "APART", 0.0)
    result = run(schedule=name, schedule_params=SENSIBLE.get(name), optimizer="SGD", epochs=2)
    saved = load_checkpoint(result.path, TorchBackend()).state["scheduler"]
    optimizer = SGD([nn.Parameter(torch.zeros(1))], lr=RATE)
    if name == "cosine":
        scheduler = lr_scheduler.LambdaLR(optimizer, lambda step: recipes.rate_factor(step, 8, "cosine", 0.05))
    else:
        scheduler = recipes.build_schedule(getattr(lr_scheduler, name), name, optimizer, 8, SENSIBLE.get(name))
    scheduler.load_state_dict(saved)
    per_step = name in ("cosine", *PER_STEP)
    assert scheduler.last_epoch == (2 * BATCHES if per_step else 2)


def test_a_scheduler_without_a_state_that_can_be_saved_is_left_out():
    assert recipes.schedule_state(SimpleNamespace(state_dict=lambda: {"of": print})) == {}
    assert recipes.schedule_state(object()) == {}
