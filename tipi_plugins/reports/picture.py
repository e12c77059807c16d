"""Curves as one SVG picture: no script, no fonts from elsewhere, light and dark as the reader's system is."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape
from typing import NamedTuple

from tipi_plugins.reports.curves import Panel, Plot, on_axis, printable
from tipi_plugins.reports.palette import DARK, LIGHT, style_of, variables
from tipi_plugins.reports.sampling import Sample, sample
from tipi_plugins.reports.scales import bounds, marks, write_number

WIDTH, HEIGHT = 800, 300
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 34, 44
LEGEND = 20
STYLE = (
    "text{font:13px system-ui,sans-serif;fill:var(--ink)}.head{font-weight:600;font-size:15px}"
    ".end{text-anchor:end}.mid{text-anchor:middle}.ground{fill:var(--ground)}"
    ".grid{stroke:var(--grid);stroke-width:1}.line{fill:none;stroke-width:1.8;stroke-linejoin:round;"
    "stroke-linecap:round}.band{fill-opacity:.2;stroke-opacity:.5}.odd{stroke:var(--odd);stroke-width:2}"
)
THEMES = (
    f"svg{{--ink:#1c2027;--ground:#fff;--grid:#e3e6ea;--odd:#d0021b;{variables(LIGHT)}}}"
    f"@media(prefers-color-scheme:dark){{svg{{--ink:#e8eaee;--ground:#16181d;--grid:#2c3038;--odd:#ff6b6b;"
    f"{variables(DARK)}}}}}"
)


class _Frame(NamedTuple):
    """Where numbers lie in one panel."""

    x: tuple[float, float]
    y: tuple[float, float]
    top: float

    def across(self, value: float) -> float:
        return round(LEFT + (value - self.x[0]) / (self.x[1] - self.x[0]) * (WIDTH - LEFT - RIGHT), 1)

    def down(self, value: float) -> float:
        part = (value - self.y[0]) / (self.y[1] - self.y[0])
        return round(self.top + TOP + (1 - part) * (HEIGHT - TOP - BOTTOM), 1)


def draw_svg(plot: Plot, axis: str) -> str:
    """Return a picture of all panels, one below the other, with a legend.

    Args:
        plot: What to draw.
        axis: ``step``, ``epoch`` or ``time``.
    """
    height = HEIGHT * len(plot.panels) + LEGEND * len(plot.records) + 10
    length, label = plot.scale(axis)
    title = escape(printable(f"{plot.title} by {label}"))
    span = bounds(x for panel in plot.panels for curve in panel.curves for x in on_axis(curve.series, axis, length))
    frames = [_Frame(span, _heights(panel), HEIGHT * place) for place, panel in enumerate(plot.panels)]
    panels = [_draw_panel(panel, axis, length, label, frame) for panel, frame in zip(plot.panels, frames, strict=True)]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
            f'height="{height}" role="img" aria-label="{title}">',
            f"<title>{title}</title>",
            f"<style>{THEMES}{STYLE}</style>",
            f'<rect class="ground" width="{WIDTH}" height="{height}"/>',
            *panels,
            *_legend(
                [f"{label}{note}" for label, note in zip(plot.labels, plot.notes(), strict=True)],
                HEIGHT * len(plot.panels),
            ),
            "</svg>\n",
        ]
    )


def _heights(panel: Panel) -> tuple[float, float]:
    return bounds(value for curve in panel.curves for value in curve.series.values)


def _draw_panel(panel: Panel, axis: str, length: float, label: str, frame: _Frame) -> str:
    parts = [f'<text class="head" x="{LEFT}" y="{frame.top + 22}">{escape(printable(panel.metric))}</text>']
    parts += _grid(frame, label)
    for curve in panel.curves:
        thin, places = sample(curve.series.values, WIDTH), on_axis(curve.series, axis, length)
        parts += _draw_curve(curve.run, thin, [places[row] for row in thin.places], frame)
    return "\n".join(parts)


def _grid(frame: _Frame, label: str) -> Iterable[str]:
    bottom = frame.top + HEIGHT - BOTTOM
    for mark in marks(*frame.y, 5):
        y = frame.down(mark)
        yield f'<path class="grid" d="M{LEFT} {y}H{WIDTH - RIGHT}"/>'
        yield f'<text class="end" x="{LEFT - 8}" y="{y + 4}">{write_number(round(mark, 12))}</text>'
    for mark in marks(*frame.x, 8):
        x = frame.across(mark)
        yield f'<path class="grid" d="M{x} {bottom}v5"/>'
        yield f'<text class="mid" x="{x}" y="{bottom + 19}">{write_number(round(mark, 12))}</text>'
    yield f'<text class="mid" x="{(LEFT + WIDTH - RIGHT) / 2}" y="{bottom + 37}">{label}</text>'


def _draw_curve(run: int, thin: Sample, xs: Sequence[float], frame: _Frame) -> Iterable[str]:
    colour, dashes = style_of(run)
    means: list[tuple[float, float] | None] = []
    lows: list[tuple[float, float]] = []
    highs: list[tuple[float, float]] = []
    for x, mean, low, high, odd in zip(xs, thin.mean, thin.low, thin.high, thin.odd, strict=True):
        if math.isnan(x):
            continue
        across = frame.across(x)
        if odd:
            yield f'<path class="odd" d="M{across} {frame.top + HEIGHT - BOTTOM}v6"/>'
        if mean is None or low is None or high is None:
            means.append(None)
            continue
        means.append((across, frame.down(mean)))
        lows.append((across, frame.down(low)))
        highs.append((across, frame.down(high)))
    if thin.every > 1:
        yield f'<path class="band" fill="{colour}" stroke="{colour}" d="{_band(means, lows, highs)}"/>'
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    yield f'<path class="line" stroke="{colour}"{dashed} d="{_line(means)}"/>'


def _line(points: Iterable[tuple[float, float] | None]) -> str:
    """Return a path through points, broken where one is missing; a point that is alone is a dot."""
    words, begins = [], True
    for point in points:
        if point is not None:
            words.append(f"M{point[0]} {point[1]}h0" if begins else f"L{point[0]} {point[1]}")
        begins = point is None
    return "".join(words)


def _band(
    means: Iterable[tuple[float, float] | None], lows: list[tuple[float, float]], highs: list[tuple[float, float]]
) -> str:
    """Return the outline of what lies between the smallest and the largest values, piece by piece."""
    words, begin, end = [], 0, 0
    for point in (*means, None):
        if point is not None:
            end += 1
        elif begin < end:
            outline = highs[begin:end] + lows[begin:end][::-1]
            words.append("M" + "L".join(f"{x} {y}" for x, y in outline) + "Z")
            begin = end
    return "".join(words)


def _legend(labels: Sequence[str], top: float) -> Iterable[str]:
    for run, label in enumerate(labels):
        colour, dashes = style_of(run)
        y = top + LEGEND * run + 8
        dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
        yield f'<path class="line" stroke="{colour}"{dashed} d="M{LEFT} {y}h24"/>'
        yield f'<text x="{LEFT + 32}" y="{y + 4}">{escape(label)}</text>'
