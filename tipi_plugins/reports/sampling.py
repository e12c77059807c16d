"""Fewer points for the same picture: neighbouring rows become one, whose smallest and largest value stay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tipi_plugins.reports.scales import has_place


@dataclass(frozen=True, slots=True)
class Sample:
    """A curve of so many points; each stands for one row or for several that follow each other.

    Attributes:
        places: The row in the middle of each point's rows.
        mean: The mean of their finite values; None where there are none, which is a gap in the curve.
        low: The smallest of them.
        high: The largest of them.
        odd: How many of them are NaN or infinite, for each point.
        every: How many rows a point stands for.
    """

    places: list[int] = field(default_factory=list)
    mean: list[float | None] = field(default_factory=list)
    low: list[float | None] = field(default_factory=list)
    high: list[float | None] = field(default_factory=list)
    odd: list[int] = field(default_factory=list)
    every: int = 1


def sample(values: Sequence[float], most: int) -> Sample:
    """Return at most ``most`` points that show the course of the values, every spike included.

    Args:
        values: One for each row.
        most: How many points there may be.

    Example:
        >>> thinned = sample([1.0, 2.0, 9.0, 2.0], 2)
        >>> thinned.low, thinned.high, thinned.mean
        ([1.0, 2.0], [2.0, 9.0], [1.5, 5.5])
    """
    every = max(1, -(-len(values) // most))
    result = Sample(every=every)
    for begin in range(0, len(values), every):
        part = values[begin : begin + every]
        finite = part if has_place(sum(map(abs, part))) else list(filter(has_place, part))
        result.places.append(begin + len(part) // 2)
        result.odd.append(len(part) - len(finite))
        result.mean.append(sum(value / len(finite) for value in finite) if every > 1 and finite else _only(finite))
        result.low.append(min(finite, default=None))
        result.high.append(max(finite, default=None))
    return result


def _only(finite: Sequence[float]) -> float | None:
    return finite[0] if finite else None
