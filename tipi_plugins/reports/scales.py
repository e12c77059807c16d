"""Scales: where the marks of an axis stand, and how numbers and times are written beside them."""

from __future__ import annotations

import math
from collections.abc import Iterable

LARGEST = 1e300  # the distance of two such numbers is still one
TIME_UNITS = ((3600.0, "h"), (60.0, "min"), (1.0, "s"))


def has_place(value: float) -> bool:
    """Return whether a value has a place on an axis: NaN, infinity and what is nearly as large have none.

    Example:
        >>> has_place(1e9), has_place(float("nan")), has_place(-1e308)
        (True, False, False)
    """
    return abs(value) <= LARGEST


def bounds(values: Iterable[float]) -> tuple[float, float]:
    """Return the smallest and largest value, apart even where there is but one; NaN does not count.

    Example:
        >>> bounds([2.0, 2.0]), bounds([])
        ((1.5, 2.5), (0.0, 1.0))
    """
    finite = list(filter(has_place, values))
    if not finite:
        return 0.0, 1.0
    low, high = min(finite), max(finite)
    if low < high:
        return low, high
    room = abs(low) / 4 or 0.5
    return low - room, high + room


def marks(low: float, high: float, most: int) -> list[float]:
    """Return at most so many round numbers between two others.

    Example:
        >>> marks(0.0, 1.1, 4)
        [0.0, 0.5, 1.0]
    """
    rough = (high - low) / max(most, 1)
    if not (rough > 0 and math.isfinite(rough)):
        return [low]
    unit = 10.0 ** math.floor(math.log10(rough))
    distance = next((factor * unit for factor in (1, 2, 2.5, 5) if factor * unit >= rough), 10 * unit)
    first, last = math.ceil(low / distance - 1e-9), math.floor(high / distance + 1e-9)
    return [number * distance for number in range(first, last + 1)]


def write_number(value: float) -> str:
    """Return a number in few characters.

    Example:
        >>> write_number(0.30000000000000004), write_number(1_000_000.0), write_number(2e-7)
        ('0.3', '1000000', '2e-07')
    """
    if abs(value) < 1e9 and (value == int(value) or abs(value) >= 1000):
        return f"{value:.0f}"
    return f"{value:.4g}"


def time_unit(seconds: float) -> tuple[float, str]:
    """Return the unit in which so many seconds are a number of one or more, with its length.

    Example:
        >>> time_unit(90)
        (60.0, 'min')
    """
    return next((unit for unit in TIME_UNITS if seconds >= unit[0]), TIME_UNITS[-1])
