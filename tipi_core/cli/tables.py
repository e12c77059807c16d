"""Tables on a terminal: no lines, a bold head, cells that wrap where words end, states in colour."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import click

GAP = "  "
NARROWEST = 10
WIDEST_WORD = 30  # one that is longer is cut where the room is scarce
STATES = {
    "green": re.compile(r"ok|done|completed|counts"),
    "red": re.compile(r"failed|crashed|unreadable|\d+ problems?"),
    "yellow": re.compile(r"incomplete|interrupted|running"),
    "bright_black": re.compile(r"blocked|shadowed|skipped.*"),
}

_PIECES = re.compile(r"[^\s/,]*[\s/,]?")


def draw_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    numbers: Sequence[str],
    width: int,
    below: Sequence[str] = (),
) -> list[str]:
    """Return the lines of a table, with colours, not wider than ``width`` where that can be.

    The cells of the columns ``below`` stand below their row where there is no room beside it or that takes fewer lines.

    Example:
        >>> [click.unstyle(line) for line in draw_table(["name", "n"], [["a", "10"]], ["n"], 80)]
        ['name   n', 'a     10']
        >>> rows = [["a long name", "one, two, three, four, five"]]
        >>> [click.unstyle(line) for line in draw_table(["name", "has"], rows, [], 18, ["has"])]
        ['name', 'a long name', '  has  one, two,', '       three,', '       four, five']
    """
    beside = list(_draw(columns, rows, numbers, width, ()))
    stacked = list(_draw(columns, rows, numbers, width, below)) if below else beside
    return min(beside, stacked, key=lambda lines: (_widest(lines) > width, len(lines)))


def _widest(lines: Sequence[str]) -> int:
    return max(cell_width(click.unstyle(line)) for line in lines)


def _draw(
    columns: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[str], width: int, below: Sequence[str]
) -> Iterator[str]:
    head = [i for i, name in enumerate(columns) if name not in below]
    flush = [columns[i] in numbers for i in head]
    widths = fit_widths([[columns[i], *(row[i] for row in rows)] for i in head], width, flush)
    yield from (click.style(line, bold=True) for line in _draw_row([columns[i] for i in head], widths, flush))
    label = max(map(len, below), default=0) + len(GAP)
    for row in rows:
        yield from _draw_row([row[i] for i in head], widths, flush)
        for name, cell in zip(columns, row, strict=True):
            if name in below and cell:
                first, *others = wrap(cell, max(width - label - len(GAP), NARROWEST))
                yield GAP + click.style(name.ljust(label), dim=True) + first
                yield from (" " * (label + len(GAP)) + line for line in others)


def fit_widths(cells: Sequence[Sequence[str]], width: int, whole: Sequence[bool]) -> list[int]:
    """Return the width of each column: what its cells need, the widest made narrower until all fit, none that is whole.

    Example:
        >>> fit_widths([["a" * 40], ["b" * 30]], 52, [False, False])
        [25, 25]
    """
    widths = [max(map(cell_width, column), default=0) for column in cells]
    words = [max(cell_width(piece) for cell in column for piece in _PIECES.findall(cell)) for column in cells]
    for limits in ([min(longest, WIDEST_WORD) for longest in words], [NARROWEST] * len(widths)):
        least = [own if fixed else limit for own, limit, fixed in zip(widths, limits, whole, strict=True)]
        while sum(widths) + len(GAP) * (len(widths) - 1) > width:
            room, place = max((own - smallest, i) for i, (own, smallest) in enumerate(zip(widths, least, strict=True)))
            if room <= 0:
                break
            widths[place] -= 1
    return widths


def _draw_row(row: Sequence[str], widths: Sequence[int], flush: Sequence[bool]) -> Iterator[str]:
    wrapped = [list(wrap(cell, width)) for cell, width in zip(row, widths, strict=True)]
    for height in range(max(map(len, wrapped), default=0)):
        parts = [lines[height] if height < len(lines) else "" for lines in wrapped]
        cells = [_set(*cell) for cell in zip(parts, row, widths, flush, strict=True)]
        yield GAP.join(cells).rstrip()


def _set(part: str, cell: str, width: int, flush: bool) -> str:
    room = " " * (width - cell_width(part))
    colour = next((name for name, state in STATES.items() if state.fullmatch(cell)), None)
    shown = click.style(part, fg=colour) if colour and part else part
    return room + shown if flush else shown + room


def wrap(text: str, width: int) -> Iterator[str]:
    """Yield the lines of a cell, broken after spaces and signs; a longer piece is cut.

    Example:
        >>> list(wrap("configs/demo/pipeline.toml", 14))
        ['configs/demo/', 'pipeline.toml']
    """
    line = ""
    for piece in _PIECES.findall(text):
        if line and cell_width(line + piece.rstrip()) > width:
            yield line.rstrip()
            line = ""
        line += piece
        while cell_width(line.rstrip()) > width:
            yield line[:width]
            line = line[width:]
    yield line.rstrip()


def cell_width(text: str) -> int:
    """Return how many columns a terminal takes for a text."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)
