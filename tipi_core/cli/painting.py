"""Colours of messages: places bold, carets red, hints cyan; and who wants any."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator

import click

from tipi_core.errors import UsageError, clip, did_you_mean

CHOICES = {"auto": None, "always": True, "never": False}

_PLACE = re.compile(r"(\S.*?:\d+:\d+|override \S+): (.*)")
_LAST = re.compile(r"(tipi: error\[[\w-]+\]:)(.*)")


def take_color(arguments: list[str]) -> tuple[list[str], bool | None]:
    """Return the words without ``--color WHEN``, and whether colours are wanted; None where a terminal decides.

    Raises:
        UsageError: WHEN is none of ``auto``, ``always``, ``never``.

    Example:
        >>> take_color(["list", "--color", "never"])
        (['list'], False)
    """
    end = arguments.index("--") if "--" in arguments else len(arguments)
    words, wanted = arguments[:end], os.environ.get("TIPI_COLOR") or "auto"
    for place, word in enumerate(words):
        if word == "--color" or word.startswith("--color="):
            given = word[8:] if "=" in word else "".join(words[place + 1 : place + 2])
            del words[place : place + (1 if "=" in word else 2)]
            wanted = given
            break
    if wanted not in CHOICES:
        raise UsageError(f"--color {wanted}: no such choice", hint=did_you_mean(wanted, CHOICES, "choices"))
    return [*words, *arguments[end:]], CHOICES[wanted] if wanted != "auto" else _by_environment()


def _by_environment() -> bool | None:
    if os.environ.get("NO_COLOR"):
        return False
    return True if os.environ.get("FORCE_COLOR") else None


def paint_report(text: str, width: int | None = None) -> str:
    """Return an error's report with colours; a stream that is no terminal takes them out again.

    Args:
        text: The report.
        width: The columns there are: lines of source that are longer are cut to what is around the caret.

    Example:
        >>> click.unstyle(paint_report("a.toml:1:1: unknown key 'x'"))
        "a.toml:1:1: unknown key 'x'"
    """
    return "\n".join(_paint(list(_clipped(text.split("\n"), width)) if width else text.split("\n")))


def terminal_width() -> int | None:
    """Return how many columns the terminal has to which errors go; None where they go elsewhere."""
    if sys.stderr is None or not sys.stderr.isatty():
        return None
    return shutil.get_terminal_size((80, 24)).columns


def _clipped(lines: list[str], width: int) -> Iterator[str]:
    rest = iter([*lines, ""])
    line = next(rest)
    for below in rest:
        if below.strip() == "^" and len(line) > width:
            part, caret = clip(line[4:], len(below) - 5, width - 4)
            line, below = f"    {part}", f"{' ' * (4 + caret)}^"  # noqa: PLW2901 - the pair is one
        yield line
        line = below


def _paint(lines: list[str]) -> Iterator[str]:
    below = False
    for line in lines:
        place, last = _PLACE.fullmatch(line), _LAST.fullmatch(line)
        if last:
            yield click.style(last[1], fg="red", bold=True) + last[2]
        elif place:
            yield click.style(place[1], bold=True) + ": " + click.style(place[2], bold=True)
        elif line.strip() == "^":
            yield click.style(line, fg="red", bold=True)
        else:
            yield click.style(line, fg="cyan") if below and line else line
        below = line.strip() == "^"
