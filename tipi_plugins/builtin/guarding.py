"""The guard of a training: finds the first batch whose loss is not finite, without making a GPU wait at each step."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

LATER = 64  # batches on a GPU between two looks: each look waits for the device once


class LossGuard:
    """Looks at every loss of an epoch: a number or a loss on the CPU at once, losses on a GPU some batches later.

    Example:
        >>> LossGuard().look(0, float("nan"))
        (0, nan)
    """

    def __init__(self) -> None:
        self._waiting: list[tuple[int, Tensor]] = []

    def look(self, batch: int, loss: Tensor | float) -> tuple[int, float] | None:
        """Return the batch and its loss if one that was looked at is not finite."""
        if isinstance(loss, Tensor) and loss.device.type != "cpu":
            self._waiting.append((batch, loss))
            return self.flush() if len(self._waiting) >= LATER else None
        value = loss.item() if isinstance(loss, Tensor) else loss
        return None if math.isfinite(value) else (batch, value)

    def flush(self) -> tuple[int, float] | None:
        """Look at what waits."""
        if not self._waiting:
            return None
        values: Sequence[float] = torch.stack([loss.reshape(()) for _, loss in self._waiting]).tolist()
        batches = [batch for batch, _ in self._waiting]
        self._waiting.clear()
        bad = ((batch, value) for batch, value in zip(batches, values, strict=True) if not math.isfinite(value))
        return next(bad, None)
