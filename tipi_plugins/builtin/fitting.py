"""Whether network, data and the parameters of a training fit each other, found before anything is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from tipi.plugin import ConfigError

if TYPE_CHECKING:
    import torch

N = TypeVar("N", int, float)


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
