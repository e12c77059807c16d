"""Whether network, data and the parameters of a training fit each other, found before anything is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import nn

from tipi.plugin import ConfigError
from tipi_plugins.builtin import recipes
from tipi_plugins.builtin.checking import find_unlogged
from tipi_plugins.builtin.evaluation import device_of, length_of, loader_of
from tipi_plugins.builtin.targets import IGNORED

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from tipi_plugins.builtin.training import TrainingProcess

N = TypeVar("N", int, float)


def check_training(process: TrainingProcess, own: Collection[str], metrics: Sequence[str] | None) -> None:
    """Raise where something cannot go together.

    Args:
        process: The training.
        own: The names of the methods that a subclass overrides: what they need nobody knows.
        metrics: The parameter of that name.
    """
    train, validation = length_of(loader_of(process.data, "train")), length_of(loader_of(process.data, "val"))
    check_precision(process.precision, device_of(process.network))
    if "train_epoch" not in own:
        check_loader(process.data)
    check_length(train, process.accumulate, process.schedule_per)
    if not {"metrics", "train_epoch", "validate_epoch"} & set(own):
        refuse(find_unlogged(process.monitor, metrics))
    if "validate_epoch" not in own and validation == 0:
        check_choice(process.monitor, process.patience)
    if process.wanted.classes and not {"loss", "train_step"} & set(own) and process.wanted.ignored == IGNORED:
        check_classes(process.network, process.data)
    if "make_optimizer" not in own:
        check_learning(process.network)
        try_out(process, own)


def try_out(process: TrainingProcess, own: Collection[str]) -> None:
    """Make optimizer and scheduler for a model of one number: what they refuse is known before anything runs."""
    optimizing, scheduling = process.factories
    if not recipes.is_of_torch(optimizing):  # making one of the user's twice may do anything
        return
    optimizer = process.make_optimizer(nn.ParameterList([torch.zeros(1, 1)]))
    if "make_scheduler" not in own and (scheduling is None or recipes.is_of_torch(scheduling)):
        process.make_scheduler(optimizer, process.epochs * process.count_updates())


def check_choice(monitor: str, patience: int) -> None:
    """Raise where what the best epoch is chosen by is of a validation that the data has no part for."""
    if monitor.startswith("val/") and (patience or monitor != "val/loss"):
        wants = f"patience = {patience} waits for {monitor}" if patience else f"the best epoch is chosen by {monitor}"
        raise ConfigError(
            f"{wants}, and the data has no validation part", hint='set val_fraction, or monitor = "train/loss"'
        )


def check_classes(network: Any, data: Any) -> None:
    """Raise where the network is known to have fewer outputs than the data has classes."""
    outputs, classes = getattr(network, "num_classes", None), getattr(data, "num_classes", None)
    if outputs is not None and classes is not None and outputs < classes:
        raise ConfigError(
            f"the network has num_classes = {outputs}, and the data has {classes} classes",
            hint=f"set num_classes = {classes}, or leave it out",
        )


def check_length(length: int | None, accumulate: int, schedule_per: str | None) -> None:
    """Raise where the training data does not tell its length and something needs it."""
    needs = (
        f"accumulate = {accumulate}" if accumulate > 1 else 'schedule_per = "step"' if schedule_per == "step" else ""
    )
    if length is None and needs:
        raise ConfigError(
            f"{needs} needs a training loader that has a length", hint="give it a __len__, or leave that out"
        )


def check_precision(precision: str, device: torch.device) -> None:
    """Raise where the device cannot train in a precision."""
    if precision == "float16" and device.type != "cuda":
        raise ConfigError(f"precision float16 needs a GPU, and the run is on {device}", hint="use bfloat16")


def check_loader(data: Any) -> None:
    """Raise where the data has nothing to train on."""
    if not hasattr(data, "train_loader"):
        raise ConfigError(
            f"the permanence 'data' is a {type(data).__name__} without train_loader",
            hint="give it one that has batches",
        )


def check_learning(network: Any) -> None:
    """Raise where no parameter of the model learns."""
    parameters = list(network.model.parameters())
    if not any(parameter.requires_grad for parameter in parameters):
        what = (
            f"none of the model's {len(parameters)} parameters learns" if parameters else "the model has no parameters"
        )
        raise ConfigError(what, hint="set requires_grad where it should learn, or override make_optimizer")


def at_least(least: int, value: N, name: str) -> N:
    """Return a parameter's value.

    Raises:
        ConfigError: It is less than ``least``.
    """
    if value < least:
        raise ConfigError(f"{name} is {value}", hint=f"it is {least} or more")
    return value


def refuse(problem: tuple[str, str | None] | None) -> None:
    """Raise what is wrong and its cure, if anything is."""
    if problem is not None:
        raise ConfigError(problem[0], hint=problem[1])
