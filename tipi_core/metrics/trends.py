"""Trends: what became of each metric in a run, kept small while rows go by."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Sequence
from typing import Any

MOST_POINTS = 64
BLOCKS = "▁▂▃▄▅▆▇█"
COUNTERS = frozenset(
    (
        "epoch",
        "epochs",
        "step",
        "steps",
        "global_step",
        "iteration",
        "iterations",
        "iter",
        "batch",
        "batch_idx",
        "round",
    )
)
RATES = ("lr", "learning_rate")
SMALL_IS_GOOD = ("loss", "err", "perplexity", "ppl", "mse", "mae", "rmse", "time", "seconds", "fid", "nll")


class Trend:
    """First, last, smallest and largest value of one metric, and a curve of every so many rows.

    Example:
        >>> trend = Trend()
        >>> for value in (3.0, 1.0, 2.0):
        ...     trend.add(value)
        >>> trend.first, trend.last, trend.low, trend.high, trend.rows
        (3.0, 2.0, 1.0, 3.0, 3)
    """

    __slots__ = ("curve", "every", "first", "high", "last", "low", "rows")

    def __init__(self) -> None:
        self.first: float | None = None
        self.last: float | None = None
        self.low = math.inf
        self.high = -math.inf
        self.rows = 0
        self.curve: list[float] = []
        self.every = 1

    def add(self, value: float) -> None:
        """Take note of a finite value."""
        self.extend([value])

    def extend(self, values: Sequence[float]) -> None:
        """Take note of finite values, at least one: column by column, which costs a third of one by one."""
        if self.first is None:
            self.first = values[0]
        self.last = values[-1]
        self.low = min(self.low, *values)
        self.high = max(self.high, *values)
        self.curve += values[-self.rows % self.every :: self.every]
        while len(self.curve) >= MOST_POINTS:
            self.curve = self.curve[::2]
            self.every *= 2
        self.rows += len(values)

    def best(self, name: str, goal: str | None = None) -> float | None:
        """Return the best value; without a goal (``min`` or ``max``) the metric's name tells which end is good.

        What only counts, such as ``epoch``, has none, and neither has a learning rate.
        """
        if goal not in ("min", "max") and has_no_best(name):
            return None
        return self.low if is_small_good(name, goal) else self.high

    def facts(self, name: str, goal: str | None = None) -> dict[str, Any]:
        """Return what ``run.json`` says about the metric."""
        return {
            "first": self.first,
            "last": self.last,
            "min": self.low,
            "max": self.high,
            "best": self.best(name, goal),
            "rows": self.rows,
        }


def has_no_best(name: str) -> bool:
    """Return whether a metric's name says that no end of it is good.

    Example:
        >>> has_no_best("train/epoch"), has_no_best("lr-AdamW"), has_no_best("epoch_loss")
        (True, True, False)
    """
    last = re.split(r"[/.]", name.lower())[-1]
    return last in COUNTERS or re.split(r"[-/ ]", last)[0] in RATES


def is_small_good(name: str, goal: str | None = None) -> bool:
    """Return whether a small value of a metric is a good one.

    Example:
        >>> is_small_good("val/loss"), is_small_good("accuracy"), is_small_good("score", "min")
        (True, False, True)
    """
    if goal in ("min", "max"):
        return goal == "min"
    return any(word in name.lower() for word in SMALL_IS_GOOD)


def sparkline(values: Sequence[float], width: int = 16) -> str:
    """Return a small curve in block characters.

    Example:
        >>> sparkline([1, 2, 3, 4])
        '▁▃▅█'
    """
    end = sys.float_info.max
    values = [max(-end, min(end, value)) / 2 for value in values]  # so the distance of any two is a number
    if len(values) > width:
        values = [values[round(place * (len(values) - 1) / (width - 1))] for place in range(width)]
    if not values:
        return ""
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    return "".join(BLOCKS[int((value - low) / span * (len(BLOCKS) - 1))] for value in values)
