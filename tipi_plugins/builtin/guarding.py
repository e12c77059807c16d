"""The guard of a training: sums up the losses of an epoch and finds the first that is not finite."""

from __future__ import annotations

import math

import torch
from torch import Tensor

LATER = 64  # batches on a GPU between two looks: each look waits for the device once


class NotFinite(Exception):
    """A batch's loss that is not finite.

    Attributes:
        batch: The batch's number, counted from 0.
        loss: Its loss.
    """

    def __init__(self, batch: int, loss: float) -> None:
        super().__init__(batch, loss)
        self.batch = batch
        self.loss = loss


class LossGuard:
    """Looks at every loss of an epoch: a number or a loss on the CPU at once, losses on a GPU some batches later.

    Example:
        >>> guard = LossGuard()
        >>> for batch, loss in enumerate([0.5, torch.tensor(1.5)]):
        ...     guard.take(batch, guard.read(loss))
        >>> guard.mean()
        1.0
    """

    def __init__(self) -> None:
        self.count = 0
        self._total = 0.0
        self._waiting: list[tuple[int, Tensor]] = []

    def read(self, loss: Tensor | float) -> Tensor | float:
        """Return a loss as a number; on a GPU, where that would wait, without its graph."""
        if not isinstance(loss, Tensor):
            return loss
        return loss.item() if loss.device.type == "cpu" else loss.detach()

    def take(self, batch: int, loss: Tensor | float) -> None:
        """Take in what :meth:`read` returned.

        Raises:
            NotFinite: A loss that was looked at is not finite.
        """
        self.count += 1
        if isinstance(loss, Tensor):
            self._waiting.append((batch, loss))
            if len(self._waiting) >= LATER:
                self._look()
        else:
            self._add(batch, loss)

    def mean(self) -> float:
        """Return the mean loss of all batches.

        Raises:
            NotFinite: A loss that was not looked at before is not finite.
        """
        self._look()
        return self._total / max(1, self.count)

    def _look(self) -> None:
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        values = torch.stack([loss.reshape(()) for _, loss in waiting]).tolist()
        for (batch, _), value in zip(waiting, values, strict=True):
            self._add(batch, value)

    def _add(self, batch: int, loss: float) -> None:
        try:
            if not math.isfinite(loss):
                raise NotFinite(batch, loss)
        except TypeError:
            what = f"train_step returned a {type(loss).__name__}"
            raise TypeError(f"{what}; wanted is the loss of the batch, a tensor or a number") from None
        self._total += loss
