"""Curves for a terminal, drawn by plotille in braille."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from tipi.plugin import MissingPackage
from tipi_plugins.reports.curves import Panel, Plot, on_axis, printable
from tipi_plugins.reports.sampling import Sample, sample
from tipi_plugins.reports.scales import bounds, write_number

COLOURS = ("bright_blue", "bright_yellow", "bright_green", "bright_magenta", "bright_cyan", "bright_red", "white")
MARGIN = 24  # the marks to the left, and the arrow that the axis ends with
LEAST = 20


def draw(plot: Plot, axis: str, columns: int, rows: int, colours: bool) -> str:
    """Return all panels of a plot, one below the other.

    Args:
        plot: What to draw.
        axis: ``step``, ``epoch`` or ``time``.
        columns: How wide the terminal is.
        rows: How high one panel may be.
        colours: Whether escape codes may tell the runs apart.

    Raises:
        MissingPackage: plotille is not installed.
    """
    try:
        import plotille
    except ImportError as error:
        raise MissingPackage(
            "curves in a terminal need plotille, which is not installed here",
            hint='pip install "torch-tipi[plots]"; --svg and --html need nothing',
        ) from error
    return "\n\n".join(_draw_panel(plotille, plot, panel, axis, (columns, rows), colours) for panel in plot.panels)


def _draw_panel(plotille: Any, plot: Plot, panel: Panel, axis: str, size: tuple[int, int], colours: bool) -> str:
    length, label = plot.scale(axis)
    figure = _figure(plotille, size[0] - len(label), size[1], colours)
    figure.x_label = label
    figure.y_label = printable(panel.metric)
    xs: list[float] = []
    ys: list[float] = []
    notes = []
    for number, curve in enumerate(panel.curves):
        thin, places = sample(curve.series.values, figure.width), on_axis(curve.series, axis, length)
        colour = COLOURS[number % len(COLOURS)] if colours else None
        for part in _parts(thin, places):
            figure.plot([x for x, _ in part], [y for _, y in part], lc=colour)
            xs += [x for x, _ in part]
            ys += [y for _, y in part]
        lost = f" ({sum(thin.odd)} values are not finite)" if any(thin.odd) else ""
        notes.append(f"  {plotille.color('━━', fg=colour, mode='names')} {plot.labels[curve.run]}{lost}")
    figure.set_x_limits(*bounds(xs))
    figure.set_y_limits(*bounds(ys))
    return "\n".join([figure.show(), *notes])


def _figure(plotille: Any, columns: int, rows: int, colours: bool) -> Any:
    figure = plotille.Figure()
    figure.width, figure.height = max(LEAST, columns - MARGIN), rows
    figure.origin = False
    figure.with_colors, figure.color_mode = colours, "names"
    figure.register_label_formatter(float, _label)
    return figure


def _label(value: float, chars: int, delta: float, left: bool = False) -> str:
    """Write a mark of an axis; what is tiny beside the distance of two marks is zero."""
    text = write_number(0.0 if abs(value) < delta / 1000 else value)
    return text.ljust(chars) if left else text.rjust(chars)


def _parts(thin: Sample, places: Sequence[float]) -> Iterator[list[tuple[float, float]]]:
    """Yield lines: the means of a curve, broken where values are missing, and each point from low to high."""
    line: list[tuple[float, float]] = []
    for row, mean, low, high in zip(thin.places, thin.mean, thin.low, thin.high, strict=True):
        x = places[row]
        if mean is None or low is None or high is None or math.isnan(x):
            if line:
                yield line
            line = []
            continue
        line.append((x, mean))
        if low < high:
            yield [(x, low), (x, high)]
    if line:
        yield line
