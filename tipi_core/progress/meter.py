"""The text of a bar as tqdm writes it, character for character."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

ASCII_BLOCKS = " 123456789#"
UNICODE_BLOCKS = " " + "".join(map(chr, range(0x258F, 0x2587, -1)))
BLANK_BLOCKS = "  "
COLOURS = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")


class ProgressWarning(Warning):
    """Something about a bar that is odd and harmless."""


def format_sizeof(num: float, suffix: str = "", divisor: float = 1000) -> str:
    """Return a number with three digits and a metric prefix.

    Example:
        >>> format_sizeof(1234567), format_sizeof(2048, "B", 1024)
        ('1.23M', '2.00kB')
    """
    for prefix in ("", "k", "M", "G", "T", "P", "E", "Z"):
        size = abs(num)
        if size < 999.5:
            digits = "1.2" if size < 9.995 else "2.1" if size < 99.95 else "3.0"
            return f"{num:{digits}f}{prefix}{suffix}"
        num /= divisor
    return f"{num:3.1f}Y{suffix}"


def format_interval(t: float) -> str:
    """Return seconds as ``MM:SS`` or ``H:MM:SS``.

    Example:
        >>> format_interval(61), format_interval(3600)
        ('01:01', '1:00:00')
    """
    minutes, seconds = divmod(abs(int(t)), 60)
    hours, minutes = divmod(minutes, 60)
    clock = f"{hours:d}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes:02d}:{seconds:02d}"
    return f"-{clock}" if t < 0 else clock


def format_num(n: Any) -> str:
    """Return a number with three significant digits where that is shorter than all of it.

    Example:
        >>> format_num(0.123456), format_num(12)
        ('0.123', '12')
    """
    short = f"{n:.3g}".replace("e+0", "e+").replace("e-0", "e-")
    whole = str(n)
    return short if len(short) < len(whole) else whole


def meter_width(text: str) -> int:
    """Return the columns of ``text`` as tqdm counts them."""
    if text.isascii() and "\x1b" not in text:
        return len(text)
    from unicodedata import east_asian_width

    return sum(2 if east_asian_width(letter) in "FW" else 1 for letter in _plain(text))


def meter_clip(text: str, columns: int) -> str:
    """Return ``text`` cut to ``columns`` as tqdm cuts it."""
    if len(text) == meter_width(text):
        return text[:columns]
    coloured = _plain(text) != text
    while meter_width(text) > columns:
        text = text[:-1]
    if coloured and _plain(text) != text and not text.endswith("\x1b[0m"):
        text += "\x1b[0m"
    return text


def _plain(text: str) -> str:
    import re

    return re.sub(r"\x1b\[[;\d]*[A-Za-z]", "", text)


class Blocks:
    """The ``{bar}`` of a format: fills the width that its format specification names.

    Args:
        fraction: How much is done, from 0 to 1.
        columns: The width where the specification gives none.
        charset: From empty to full.
        colour: A colour's name or ``#rrggbb``.

    Example:
        >>> f"{Blocks(0.5, charset=ASCII_BLOCKS):4}"
        '##  '
    """

    def __init__(
        self, fraction: float, columns: int = 10, charset: str = UNICODE_BLOCKS, colour: str | None = None
    ) -> None:
        if not 0 <= fraction <= 1:
            warnings.warn("clamping frac to range [0, 1]", ProgressWarning, stacklevel=2)
        self.fraction = max(0, min(1, fraction))
        self.columns = columns
        self.charset = charset
        self.colour = colour_code(colour)

    def __format__(self, specification: str) -> str:
        named = {"a": ASCII_BLOCKS, "u": UNICODE_BLOCKS, "b": BLANK_BLOCKS}.get(specification[-1:].lower())
        if named:
            specification = specification[:-1]
        charset = named or self.charset
        columns = int(specification) if specification else self.columns
        if columns < 0:
            columns += self.columns
        steps = len(charset) - 1
        full, part = divmod(int(self.fraction * columns * steps), steps)
        drawn = charset[-1] * full
        if full < columns:
            drawn += charset[part] + charset[0] * (columns - full - 1)
        return f"{self.colour}{drawn}\x1b[0m" if self.colour else drawn


def colour_code(colour: str | None) -> str:
    """Return the code that turns a colour on, empty for none; an unknown one warns."""
    if not colour:
        return ""
    name = str(colour)
    if name.lower() in COLOURS:
        return f"\x1b[{30 + COLOURS.index(name.lower())}m"
    try:
        if name[0] == "#" and len(name) == 7:
            return "\x1b[38;2;{};{};{}m".format(*(int(name[at : at + 2], 16) for at in (1, 3, 5)))
    except ValueError:
        pass
    choices = ", ".join(known.upper() for known in COLOURS)
    message = f"Unknown colour ({colour}); valid choices: [hex (#00ff00), {choices}]"
    warnings.warn(message, ProgressWarning, stacklevel=3)
    return ""


class _Probe:
    """Stands for ``{bar}`` while the rest of a line is measured, and notices whether it is asked for."""

    def __init__(self) -> None:
        self.asked = False

    def __format__(self, specification: str) -> str:
        self.asked = True
        return ""


def format_meter(
    n: float,
    total: float | None,
    elapsed: float,
    ncols: int | None = None,
    prefix: str = "",
    ascii: bool | str | None = False,  # noqa: A002 - tqdm's name
    unit: str = "it",
    unit_scale: bool | float = False,
    rate: float | None = None,
    bar_format: str | None = None,
    postfix: Any = None,
    unit_divisor: float = 1000,
    initial: float = 0,
    colour: str | None = None,
    **extra_kwargs: Any,
) -> str:
    """Return tqdm's text for the given state; parameters and result are those of ``tqdm.format_meter``.

    Example:
        >>> format_meter(5, 10, 5, ascii=True)
        ' 50%|#####     | 5/10 [00:05<00:05,  1.00it/s]'
    """
    if total and (n >= total + 0.5 or total == float("inf")):
        total = None
    if unit_scale and unit_scale not in (True, 1):
        total, n = total * unit_scale if total else total, n * unit_scale
        rate = rate * unit_scale if rate else rate
        unit_scale = False
    if rate is None and elapsed:
        rate = (n - initial) / elapsed
    fields = _amounts(n, total, unit_scale=bool(unit_scale), divisor=unit_divisor)
    fields |= _rates(rate, unit, scaled=bool(unit_scale)) | _times(n, total, elapsed, rate)
    fields |= {"ncols": ncols, "desc": prefix or "", "unit": unit, "postfix": _postfix(postfix)}
    fields |= {"unit_divisor": unit_divisor, "colour": colour}
    fields["l_bar"] = "" if not prefix else prefix if prefix[-2:] == ": " else f"{prefix}: "
    fields["r_bar"] = "| {n_fmt}/{total_fmt} [{elapsed}<{remaining}, {rate_fmt}{postfix}]".format(**fields)
    fields |= extra_kwargs
    charset = ASCII_BLOCKS if ascii is True else ascii or UNICODE_BLOCKS
    if total:
        return _with_total(fields, n / total, bar_format, ncols, str(charset), colour)
    if bar_format:
        fields |= {"l_bar": fields["l_bar"] + "|", "percentage": 0}
        return _fill(bar_format, fields, 0, ncols, BLANK_BLOCKS, colour)
    head = f"{prefix}: " if prefix else ""
    line = head + "{n_fmt}{unit} [{elapsed}, {rate_fmt}{postfix}]".format(**fields)
    return meter_clip(line, ncols) if ncols else line


def _postfix(postfix: Any) -> Any:
    try:
        return ", " + postfix if postfix else ""
    except TypeError:
        return postfix


def _amounts(n: float, total: float | None, *, unit_scale: bool, divisor: float) -> dict[str, Any]:
    def text(amount: float) -> str:
        return format_sizeof(amount, divisor=divisor) if unit_scale else str(amount)

    return {"n": n, "n_fmt": text(n), "total": total, "total_fmt": "?" if total is None else text(total)}


def _rates(rate: float | None, unit: str, *, scaled: bool) -> dict[str, Any]:
    def text(value: float | None) -> str:
        if not value:
            return "?"
        return format_sizeof(value) if scaled else f"{value:5.2f}"

    inverse = 1 / rate if rate else None
    forward, backward = f"{text(rate)}{unit}/s", f"{text(inverse)}s/{unit}"
    slow = bool(inverse and inverse > 1)
    return {
        "rate": inverse if slow else rate,
        "rate_fmt": backward if slow else forward,
        "rate_noinv": rate,
        "rate_noinv_fmt": forward,
        "rate_inv": inverse,
        "rate_inv_fmt": backward,
    }


def _times(n: float, total: float | None, elapsed: float, rate: float | None) -> dict[str, Any]:
    import datetime

    left = (total - n) / rate if rate and total else 0
    try:
        if rate and total:
            eta = datetime.datetime.now() + datetime.timedelta(seconds=left)
        else:
            eta = datetime.datetime.fromtimestamp(0, datetime.UTC)
    except OverflowError:
        eta = datetime.datetime.max
    return {
        "elapsed": format_interval(elapsed),
        "elapsed_s": elapsed,
        "remaining": format_interval(left) if rate else "?",
        "remaining_s": left,
        "eta": eta,
    }


def _with_total(
    fields: dict[str, Any],
    fraction: float,
    bar_format: str | None,
    ncols: int | None,
    charset: str,
    colour: str | None,
) -> str:
    fields["l_bar"] += f"{fraction * 100:3.0f}%|"
    if ncols == 0:
        return str(fields["l_bar"][:-1] + fields["r_bar"][1:])
    if bar_format:
        fields["percentage"] = fraction * 100
        if not fields["desc"]:
            bar_format = bar_format.replace("{desc}: ", "")
    return _fill(bar_format or "{l_bar}{bar}{r_bar}", fields, fraction, ncols, charset, colour)


def _fill(
    template: str, fields: Mapping[str, Any], fraction: float, ncols: int | None, charset: str, colour: str | None
) -> str:
    probe = _Probe()
    bare = template.format(bar=probe, **fields)
    if not probe.asked:
        return meter_clip(bare, ncols) if ncols else bare
    columns = max(1, ncols - meter_width(bare)) if ncols else 10
    line = template.format(bar=Blocks(fraction, columns, charset, colour), **fields)
    return meter_clip(line, ncols) if ncols else line
