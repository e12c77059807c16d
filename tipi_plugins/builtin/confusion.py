"""The table of a classifier's answers as a picture: through matplotlib where it is installed, else as SVG."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LETTER = 7  # pixels that a letter of the labels takes, about
WORDS = 310  # pixels that the line below the title takes
MOST_LETTERS = 24
MOST_NUMBERS = 30  # classes above which the cells are small and hold no numbers
MOST_LABELS = 120  # classes above which they have no names
BLUE = (31, 119, 180)


@dataclass(frozen=True, slots=True)
class Drawing:
    """An SVG file's text, which notebooks and the logger show as a figure."""

    text: str

    def _repr_svg_(self) -> str:
        return self.text


def draw_confusion(counts: Sequence[Sequence[int]], names: Sequence[str], title: str) -> Any:
    """Return a figure of matplotlib, or a :class:`Drawing` where that is not installed.

    Args:
        counts: A row for each true class, a column for each answer.
        names: The classes' names.
        title: What stands above.
    """
    if find_spec("matplotlib") is None:
        return Drawing(draw_svg(counts, names, title))
    return draw_figure(counts, names, title)


def draw_figure(counts: Sequence[Sequence[int]], names: Sequence[str], title: str) -> Any:
    """Return a figure of matplotlib, drawn without a window and without changing the user's settings."""
    from matplotlib.figure import Figure

    side = 2.5 + 0.45 * min(len(names), MOST_NUMBERS)
    figure = Figure(figsize=(side, side), layout="constrained")
    axes: Any = figure.subplots()
    axes.imshow(shares(counts), cmap="Blues", vmin=0, vmax=1)
    axes.set(title=title, xlabel="answered", ylabel="true")
    if len(names) <= MOST_LABELS:
        axes.set_xticks(range(len(names)), [_short(name) for name in names], rotation=90)
        axes.set_yticks(range(len(names)), [_short(name) for name in names])
    for row, column, count, share in _cells(counts) if len(names) <= MOST_NUMBERS else ():
        colour = "white" if share > 0.5 else "black"
        axes.text(column, row, str(count), ha="center", va="center", color=colour, fontsize=8)
    return figure


def draw_svg(counts: Sequence[Sequence[int]], names: Sequence[str], title: str) -> str:
    """Return an SVG file: the darker a cell, the larger its share of the class's items.

    Example:
        >>> draw_svg([[3, 1], [0, 4]], ["cat", "dog"], "test").count("<rect")
        5
    """
    cell = 40 if len(names) <= MOST_NUMBERS else 12
    labels = [_short(name) for name in names] if len(names) <= MOST_LABELS else []
    length = LETTER * max(map(len, labels), default=0)
    left, top, side = length + 20, length + 50, cell * len(names)
    width, height = max(left + side, WORDS) + 20, top + side + 20
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" '
        'font-size="12">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        f'<text x="10" y="16" font-size="14">{escape(title)}</text>',
        '<text x="10" y="34" fill="#666">a row is what is true, a column what was answered</text>',
        f'<rect x="{left}" y="{top}" width="{side}" height="{side}" fill="none" stroke="#ddd"/>',
        *_svg_labels(labels, left, top, cell),
        *_svg_cells(counts, left, top, cell),
    ]
    return "\n".join([*parts, "</svg>"]) + "\n"


def shares(counts: Sequence[Sequence[int]]) -> list[list[float]]:
    """Return each row as shares of its sum.

    Example:
        >>> shares([[3, 1], [0, 0]])
        [[0.75, 0.25], [0.0, 0.0]]
    """
    return [[count / sum(row) if sum(row) else 0.0 for count in row] for row in counts]


def _svg_labels(labels: Sequence[str], left: int, top: int, cell: int) -> Iterator[str]:
    for position, label in enumerate(map(escape, labels)):
        middle = cell * position + cell // 2 + 4
        yield f'<text x="{left - 6}" y="{top + middle}" text-anchor="end">{label}</text>'
        across = left + middle
        yield f'<text x="{across}" y="{top - 6}" transform="rotate(-90 {across} {top - 6})">{label}</text>'


def _svg_cells(counts: Sequence[Sequence[int]], left: int, top: int, cell: int) -> Iterator[str]:
    for row, column, count, share in _cells(counts):
        x, y = left + cell * column, top + cell * row
        colour = ",".join(str(round(255 - (255 - part) * share)) for part in BLUE)
        yield f'<rect x="{x}" y="{y}" width="{cell}" height="{cell}" fill="rgb({colour})"/>'
        if len(counts) <= MOST_NUMBERS:
            ink = "white" if share > 0.5 else "black"
            middle = x + cell // 2
            yield f'<text x="{middle}" y="{y + cell // 2 + 4}" text-anchor="middle" fill="{ink}">{count}</text>'


def _cells(counts: Sequence[Sequence[int]]) -> Iterator[tuple[int, int, int, float]]:
    """Yield row, column, count and the share of the row of every cell that holds something."""
    for row, line in enumerate(shares(counts)):
        for column, share in enumerate(line):
            if share:
                yield row, column, counts[row][column], share


def _short(name: str) -> str:
    return name if len(name) <= MOST_LETTERS else f"{name[: MOST_LETTERS - 1]}…"
