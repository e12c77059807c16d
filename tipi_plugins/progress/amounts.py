"""Numbers and times of a bar in few characters."""

from __future__ import annotations

import math

from tipi.plugin import BarState


def clock(seconds: float) -> str:
    """Return seconds as ``M:SS``, ``H:MM:SS`` or ``Nd HH:MM``.

    Example:
        >>> clock(5), clock(3661), clock(100_000)
        ('0:05', '1:01:01', '1d 03:46')
    """
    if not math.isfinite(seconds):
        return "?"
    minutes, rest = divmod(int(max(0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    if hours >= 24:
        return f"{hours // 24}d {hours % 24:02d}:{minutes:02d}"
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def compact(number: float, divisor: float = 1000) -> str:
    """Return a number with three digits and a metric prefix where it is large.

    Example:
        >>> compact(41.26), compact(12345), compact(0.034)
        ('41.3', '12.3k', '0.034')
    """
    prefixes = iter("kMGTP")
    prefix = ""
    while abs(number) >= 999.5 and prefix != "P":
        number /= divisor
        prefix = next(prefixes)
    if abs(number) < 0.995:
        return f"{number:.2g}{prefix}"
    return f"{number:.{2 if abs(number) < 9.995 else 1 if abs(number) < 99.95 else 0}f}{prefix}"


def fraction(bar: BarState) -> float:
    """Return how much of its total a bar has, from 0 to 1; 0 where that is no number."""
    share = bar.n / bar.total if bar.total else 0.0
    return 0.0 if math.isnan(share) else min(1.0, max(0.0, share))


def percent(bar: BarState) -> str:
    """Return ``48%``, and 100 % only at the total; empty for a bar without one."""
    share = fraction(bar)
    return f"{round(100 * share) if share == 1 else min(99, round(100 * share))}%" if bar.total else ""


def count(bar: BarState) -> str:
    """Return how far a bar is, ``48/200`` or ``1.2M/5.0MB``."""
    if bar.unit_scale:
        factor = 1 if bar.unit_scale is True else bar.unit_scale
        done, total = (compact(n * factor, bar.unit_divisor) for n in (bar.n, bar.total or 0))
        return f"{done}/{total}{bar.unit}" if bar.total else f"{done}{bar.unit}"
    if bar.total:
        whole = number(bar.total)
        return f"{number(bar.n).rjust(len(whole))}/{whole}"
    return f"{number(bar.n)} {bar.unit}".rstrip()


def number(value: float) -> str:
    """Return a count as it is, a fraction with at most two decimals.

    Example:
        >>> number(7), number(7.0), number(7.125)
        ('7', '7', '7.12')
    """
    return str(int(value)) if math.isfinite(value) and value == int(value) else f"{value:.2f}"


def speed(bar: BarState) -> str:
    """Return ``41.3 it/s``, or ``3.80 s/it`` for slow bars, empty while unknown."""
    rate = bar.rate
    if not rate or rate < 0:
        return ""
    if bar.unit_scale:
        factor = 1 if bar.unit_scale is True else bar.unit_scale
        return f"{compact(rate * factor, bar.unit_divisor)}{bar.unit}/s"
    return f"{compact(rate)} {bar.unit}/s" if rate >= 1 else f"{compact(1 / rate)} s/{bar.unit}"


def metric(value: float) -> str:
    """Return a metric in six or seven characters, so that what stands beside it stays where it is.

    Example:
        >>> metric(0.23104), metric(12), metric(123.456), metric(1e-7)
        ('0.2310', '12', '123.46', '1.0e-07')
    """
    if not math.isfinite(value) or value == int(value):
        return f"{value:g}"
    if 1e-3 <= abs(value) < 10:
        return f"{value:.4f}"
    return f"{value:.5g}" if 10 <= abs(value) < 1e5 else f"{value:.1e}"
