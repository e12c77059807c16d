"""Targets that a loss cannot take: which number, shape or kind it is, and in which batch."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from tipi.plugin import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

FAULTS = (IndexError, RuntimeError, TypeError, ValueError)  # what torch raises for targets that it cannot take
IGNORED = -100  # torch's default for class numbers that do not count
OF_CLASSES = {"cross_entropy", "crossentropyloss", "nll_loss", "nllloss"}
OF_SHARES = {"binary_cross_entropy", "binary_cross_entropy_with_logits", "bceloss", "bcewithlogitsloss"}
OF_VALUES = OF_SHARES | {"mse_loss", "mseloss", "l1_loss", "l1loss", "huber_loss", "huberloss"}
OF_VALUES |= {"smooth_l1_loss", "smoothl1loss"}
CLASS_KINDS = (torch.int64, torch.uint8)


class Misfit(ConfigError):
    """A batch whose targets do not fit the outputs."""

    def within(self, process: str, batch: int) -> Misfit:
        """Return the same error with the batch, counted from 0."""
        return Misfit(f"batch {batch} of {process}, counted from 0, {self.what}", hint=self.hint)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a loss wants its targets to be, as far as its name tells.

    Attributes:
        loss: The loss's name.
        ignored: The class number that does not count.

    Example:
        >>> wanted = Wanted("cross_entropy")
        >>> outputs, targets = torch.zeros(2, 3), torch.tensor([0, 3])
        >>> print(wanted.find_misfit(IndexError("Target 3 is out of bounds."), outputs, targets).what)
        has the target 3, and the network has 3 outputs, 0 to 2
    """

    loss: str
    ignored: int = IGNORED

    @classmethod
    def by(cls, loss: str, params: Mapping[str, Any] | None) -> Wanted:
        """Return what the loss of that name and with those parameters wants."""
        return cls(loss, int((params or {}).get("ignore_index", IGNORED)))

    @property
    def classes(self) -> bool:
        """Whether class numbers are wanted."""
        return self.loss.lower() in OF_CLASSES

    def explain(self, error: Exception, outputs: Any, targets: Any) -> None:
        """Raise what is wrong with the targets in place of ``error``, if they are its cause.

        Raises:
            Misfit: They are.
        """
        misfit = None if _device_is_lost(error) else self.find_misfit(error, outputs, targets)
        if misfit is not None:
            raise misfit from None

    def find_misfit(self, error: Exception, outputs: Any, targets: Any) -> Misfit | None:
        """Return what is wrong with outputs or targets, or None where the error has another cause."""
        if not isinstance(outputs, Tensor):
            return _no_outputs(outputs) if self.classes or self.loss.lower() in OF_VALUES else None
        if not outputs.dim():
            return None
        if self.classes:
            return check_classes(outputs, targets, self.ignored)
        if self.loss.lower() in OF_VALUES:
            return check_values(outputs, targets, self.loss)
        if isinstance(targets, Tensor):  # a loss of the user's: only what torch itself says is beyond doubt
            wrong = _wrong_number(outputs, targets, self.ignored)
            return _no_output(wrong, outputs) if f"Target {wrong} is out of bounds" in str(error) else None
        return None


def check_classes(outputs: Tensor, targets: Any, ignored: int = IGNORED) -> Misfit | None:
    """Return what is wrong with class numbers, or with shares of classes in the outputs' own shape."""
    if not isinstance(targets, Tensor):
        return _no_tensor(targets)
    wanted = outputs.shape[:1] + outputs.shape[2:] if outputs.dim() > 1 else outputs.shape[:0]
    if targets.is_floating_point() and targets.shape == outputs.shape:
        return None
    if targets.shape != wanted:
        what = f"has targets of shape {tuple(targets.shape)}, and class numbers for outputs of shape"
        return Misfit(
            f"{what} {tuple(outputs.shape)} have the shape {tuple(wanted)}", hint="change the dataset's targets"
        )
    if targets.dtype not in CLASS_KINDS:
        what = f"has targets of the kind {_kind(targets)}, and class numbers are int64"
        return Misfit(what, hint="give them as whole numbers in the dataset, with .long()")
    wrong = _wrong_number(outputs, targets, ignored)
    return None if wrong is None else _no_output(wrong, outputs)


def check_values(outputs: Tensor, targets: Any, loss: str) -> Misfit | None:
    """Return what is wrong with targets that are numbers of the outputs' own shape."""
    if not isinstance(targets, Tensor):
        return _no_tensor(targets)
    if targets.shape != outputs.shape:
        what = f"has targets of shape {tuple(targets.shape)} and outputs of shape {tuple(outputs.shape)}"
        return Misfit(f"{what}, and {loss} wants the same", hint="change the dataset's targets or the model's end")
    if not targets.is_floating_point():
        what = f"has targets of the kind {_kind(targets)}, and {loss} wants {_kind(outputs)}"
        return Misfit(what, hint="give them as numbers with a point in the dataset, with .float()")
    outside = targets[(targets < 0) | (targets > 1)]
    if loss.lower() in OF_SHARES and outside.numel():
        return Misfit(f"has the target {outside[0].item():g}, and {loss} wants 0 to 1", hint="scale the targets")
    return None


def look_at_first(process: Any, wanted: Wanted) -> None:
    """Check the class numbers of the first batch that ``process.loss`` gets, and of no other.

    A GPU that met a wrong one can name nothing any more, and most wrong ones are in the first batch already.

    Example:
        >>> from types import SimpleNamespace
        >>> process = SimpleNamespace(loss=lambda outputs, targets: "computed")
        >>> look_at_first(process, Wanted("cross_entropy"))
        >>> process.loss(torch.zeros(2, 3), torch.tensor([0, 2]))
        'computed'
    """
    plain = process.loss

    def first(outputs: Tensor, targets: Tensor) -> Tensor:
        process.loss = plain
        misfit = check_classes(outputs, targets, wanted.ignored)
        if misfit is not None:
            raise misfit
        loss: Tensor = plain(outputs, targets)
        return loss

    process.loss = first  # in place of the method, so that no step has to ask whether it is the first


@contextmanager
def locating(process: str, batch: Callable[[], int]) -> Iterator[None]:
    """Say in which batch targets did not fit, and what a GPU that gave up may mean.

    Args:
        process: What was done, for messages: ``training``.
        batch: Tells the number of the batch that was worked on, counted from 0.

    Raises:
        ConfigError: The targets of a batch do not fit, or it is too small for batch normalisation.
    """
    try:
        yield
    except Misfit as error:
        raise error.within(process, batch()) from None
    except ValueError as error:
        if "Expected more than 1 value per channel when training" in str(error):
            what = f"batch {batch()} of {process}, counted from 0, has one item, and batch normalisation needs two"
            hint = "set drop_last = true of Data, or another batch_size"
            raise ConfigError(what, hint=hint) from error
        raise
    except RuntimeError as error:
        if _device_is_lost(error):
            error.add_note(
                f"the usual cause is a class number for which the network has no output, in batch {batch()} of "
                f"{process}, counted from 0, or shortly before: run it again with TIPI_DEVICE=cpu, which names it "
                "(CUDA_LAUNCH_BLOCKING=1 shows the line)"
            )
        raise


def _device_is_lost(error: Exception) -> bool:
    """Return whether a GPU met an index out of range: nothing on it can be read then."""
    return "device-side assert" in str(error)


def _wrong_number(outputs: Tensor, targets: Tensor, ignored: int) -> int | None:
    """Return a class number for which there is no output."""
    if targets.is_floating_point():
        return None
    counting = targets[targets != ignored]
    low, high = (int(counting.min().item()), int(counting.max().item())) if counting.numel() else (0, 0)
    return low if low < 0 else high if high >= _size(outputs) else None


def _no_output(wrong: int | None, outputs: Tensor) -> Misfit:
    size = _size(outputs)
    ignore = f"or ignore it with loss_params = {{ ignore_index = {wrong} }}"
    enough = f"set num_classes = {wrong + 1}, " if wrong is not None and wrong >= size else ""
    what = f"has the target {wrong}, and the network has {size} outputs, 0 to {size - 1}"
    return Misfit(what, hint=f"number the classes from 0, {enough}{ignore}")


def _size(outputs: Tensor) -> int:
    return outputs.shape[1] if outputs.dim() > 1 else outputs.shape[0]


def _no_tensor(targets: object) -> Misfit:
    return Misfit(f"has targets that are a {type(targets).__name__} and no tensor", hint="change the dataset's targets")


def _no_outputs(outputs: object) -> Misfit:
    what = f"has outputs that are a {type(outputs).__name__} and no tensor"
    return Misfit(what, hint='name a loss of yours that reads them, loss = "module:function", or override loss')


def _kind(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
