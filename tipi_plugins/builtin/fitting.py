"""Whether network, data and the parameters of a training fit each other, found before anything is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from tipi.plugin import ConfigError

if TYPE_CHECKING:
    from torch import Tensor

OF_CLASSES = {"cross_entropy", "crossentropyloss", "nll_loss", "nllloss"}
IGNORED = -100  # torch's default for targets that do not count


def check_classes(network: Any, data: Any) -> None:
    """Raise where the network is known to have fewer outputs than the data has classes."""
    outputs, classes = getattr(network, "num_classes", None), getattr(data, "num_classes", None)
    if outputs is not None and classes is not None and outputs < classes:
        raise ConfigError(
            f"the network has num_classes = {outputs}, and the data has {classes} classes",
            hint=f"set num_classes = {classes}, or leave it out",
        )


def check_targets(outputs: Tensor, targets: Tensor, ignored: int) -> None:
    """Raise where a batch of class numbers does not fit the network's outputs.

    Example:
        >>> check_targets(torch.zeros(2, 3), torch.tensor([0, 3]), IGNORED)
        Traceback (most recent call last):
        ...
        tipi_core.errors.ConfigError: the data has the target 3, and the network the outputs 0 to 2, set num_classes = 4
    """
    if torch.is_floating_point(targets) or outputs.dim() != targets.dim() + 1 or not targets.numel():
        return
    counting = targets[targets != ignored]
    low, high = (counting.min().item(), counting.max().item()) if counting.numel() else (0, 0)
    size = outputs.shape[1] if outputs.dim() > 1 else outputs.shape[0]
    if high >= size or low < 0:
        wrong, hint = (low, "number the classes from 0") if low < 0 else (high, f"set num_classes = {high + 1}")
        raise ConfigError(f"the data has the target {wrong}, and the network the outputs 0 to {size - 1}", hint=hint)


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
