"""Curves as one page that needs nothing else: the points as JSON, a script that draws them, a table of values."""

from __future__ import annotations

import json
import math
import time
from array import array
from collections.abc import Iterable
from html import escape
from importlib.resources import files
from typing import Any

from tipi.errors import UsageError
from tipi_plugins.reports.curves import AXES, Curve, Plot, has_epochs, printable
from tipi_plugins.reports.palette import DARK, LIGHT, style_of, variables
from tipi_plugins.reports.sampling import sample
from tipi_plugins.reports.scales import write_number

MOST_BYTES = 200_000
MOST_POINTS, LEAST_POINTS = 1500, 24
COLUMNS = ("run", "first", "last", "min", "max", "rows")

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; \
script-src 'unsafe-inline'">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
<main>
<h1>{title}</h1>
<p class="lead">{lead}</p>
<div class="controls">
<fieldset><legend>over</legend>{axes}</fieldset>
<label><input type="checkbox" id="log">log scale</label>
<label>smooth <input type="range" id="smooth" min="0" max="0.98" step="0.02" value="0" aria-valuetext="off"></label>
<button type="button" id="whole" disabled>whole range</button>
<button type="button" id="theme">light / dark</button>
</div>
<ul class="runs" id="runs" aria-label="Runs; press one to hide or show it"></ul>
<noscript><p>The curves need JavaScript. The values below do not.</p></noscript>
<div id="charts">
{charts}
</div>
<p id="spoken" class="hidden" role="status"></p>
<h2>Values</h2>
{tables}
</main>
<footer>{footer}</footer>
<script type="application/json" id="data">{data}</script>
<script>
{script}</script>
</body>
</html>
"""


def make_page(plot: Plot, axis: str) -> str:
    """Return the page.

    Args:
        plot: What to draw.
        axis: What the curves run over when the page opens.

    Raises:
        UsageError: So many curves do not fit into a page.
    """
    most = MOST_POINTS
    while most >= LEAST_POINTS:
        page = _fill(plot, axis, most)
        if len(page.encode()) < MOST_BYTES:
            return page
        most = most * 3 // 4
    raise UsageError(f"{len(plot.records)} runs are too many for a page", hint="name fewer runs or metrics")


def _fill(plot: Plot, axis: str, most: int) -> str:
    title = escape(printable(plot.title))
    charts = [
        f'<h2>{escape(printable(panel.metric))}</h2>\n<div class="chart" id="chart-{number}"></div>'
        for number, panel in enumerate(plot.panels)
    ]
    return PAGE.format(
        title=title,
        style=_style(),
        lead=escape(_lead(plot)),
        axes="".join(_axis_choice(name, plot) for name in AXES),
        charts="\n".join(charts),
        tables="\n".join(_tables(plot)),
        footer=escape(time.strftime("Made by tipi runs plot on %d %B %Y, %H:%M")),
        data=_data(plot, axis, most),
        script=_read("page.js"),
    )


def _style() -> str:
    return _read("page.css").replace("--LIGHT", variables(LIGHT)).replace("--DARK", variables(DARK))


def _read(name: str) -> str:
    return files("tipi_plugins.reports").joinpath(name).read_text(encoding="utf-8")


def _lead(plot: Plot) -> str:
    odd = " Red marks stand for values that are not finite." if any(plot.notes()) else ""
    return f"Point at a curve for values, drag to zoom, press a run to hide it.{odd}"


def _axis_choice(name: str, plot: Plot) -> str:
    known = name != "epoch" or any(has_epochs(curve.series) for panel in plot.panels for curve in panel.curves)
    return f'<label><input type="radio" name="axis" value="{name}"{"" if known else " disabled"}>{name}</label>'


def _tables(plot: Plot) -> Iterable[str]:
    """Yield a table for each metric, for those who read better than they see, and for paper."""
    heads = "".join(f'<th scope="col">{column}</th>' for column in COLUMNS)
    for panel in plot.panels:
        rows = "\n".join(_row(plot.labels[curve.run], curve) for curve in panel.curves)
        yield (
            f'<div class="scroll"><table class="values"><caption>{escape(printable(panel.metric))}</caption>\n'
            f"<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>"
        )


def _row(label: str, curve: Curve) -> str:
    values = curve.series.values
    finite = [value for value in values if math.isfinite(value)]
    numbers = [values[0], values[-1], min(finite, default=math.nan), max(finite, default=math.nan)]
    cells = [
        *(write_number(number) if math.isfinite(number) else str(number) for number in numbers),
        f"{len(values):,}",
    ]
    written = "".join(f"<td>{cell}</td>" for cell in cells)
    return f'<tr><th scope="row">{escape(label)}</th>{written}</tr>'


def _data(plot: Plot, axis: str, most: int) -> str:
    runs = []
    for number, (record, label) in enumerate(zip(plot.records, plot.labels, strict=True)):
        colour, dashes = style_of(number)
        title = f"{record.path.name}, {record.state}"
        runs.append({"label": label, "title": title, "colour": colour, "dashes": dashes})
    panels = [
        {"metric": printable(panel.metric), "curves": [_points(curve, most) for curve in panel.curves]}
        for panel in plot.panels
    ]
    text = json.dumps({"axis": axis, "runs": runs, "panels": panels}, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c")  # no text of a record ends the script that holds it


def _points(curve: Curve, most: int) -> dict[str, Any]:
    series = curve.series
    thin = sample(series.values, most)
    return {
        "run": curve.run,
        "every": thin.every,
        "step": _at(series.steps, thin.places, 12),
        "epoch": _at(series.epochs, thin.places, 6),
        "time": _at(series.times, thin.places, 7),
        "mean": [_round(value, 6) for value in thin.mean],
        "low": [_round(value, 5) for value in thin.low],
        "high": [_round(value, 5) for value in thin.high],
        "odd": {place: number for place, number in enumerate(thin.odd) if number},
    }


def _at(values: array[float], places: Iterable[int], digits: int) -> list[float | None]:
    return [_round(values[place], digits) for place in places]


def _round(value: float | None, digits: int) -> float | None:
    """Return a number of so many digits, as an integer where it is one; None for what JSON has not."""
    if value is None or not math.isfinite(value):
        return None
    short = float(f"{value:.{digits}g}")
    return int(short) if short == int(short) and abs(short) < 2**53 else short
