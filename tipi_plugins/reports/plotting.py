"""The command ``tipi runs plot``: curves on the terminal, as SVG or as a page; imported only when it is called."""

from __future__ import annotations

import math
import os
import shutil
import sys
from pathlib import Path

import click

from tipi.errors import StorageError
from tipi.records import find_record
from tipi_plugins.reports.curves import AXES, Plot, check_axis, read_plot

HEIGHT = 15


@click.command("plot", short_help="Draw the curves of metrics.")
@click.argument("metric", metavar="METRIC[,METRIC...]")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--x", "axis", type=click.Choice(AXES), default="step", show_default=True, help="What curves run over.")
@click.option("--svg", type=click.Path(path_type=Path, dir_okay=False), help="Write a picture to this file.")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Write a page to this file.")
@click.option("--runs", type=click.Path(path_type=Path), help="The folder of the records.")
@click.option("--project", type=click.Path(path_type=Path), help="The project's folder, if it is not around here.")
@click.option("--json", "as_json", is_flag=True, help="Print the points for machines.")
def command(
    metric: str,
    ids: tuple[str, ...],
    axis: str,
    svg: Path | None,
    html: Path | None,
    runs: Path | None,
    project: Path | None,
    as_json: bool,
) -> None:
    """Draw METRIC of the runs ID (without: the latest), all in one picture; several metrics are joined by commas.

    Epochs are told by the loops that were open when a value was logged, so nobody needs to log them. The page is one
    file that needs no network: values under the pointer, axis, smoothing, zoom, light and dark.

    \b
    tipi runs plot loss
    tipi runs plot loss,val_loss latest latest~1 --x epoch
    tipi runs plot val_loss 3fa2 9c01 --html val_loss.html
    """  # noqa: D301 - click's mark for lines that stay as they are
    records = {record.path: record for record in (find_record(word, runs, project) for word in ids or ("latest",))}
    plot = read_plot(list(records.values()), [name for name in metric.split(",") if name] or [metric])
    check_axis(plot, axis)
    if as_json:
        _print_points(plot, axis)
    if svg is not None:
        from tipi_plugins.reports.picture import draw_svg

        _write(svg, draw_svg(plot, axis))
    if html is not None:
        from tipi_plugins.reports.page import make_page

        _write(html, make_page(plot, axis))
    if not (as_json or svg or html):
        from tipi_plugins.reports.terminal import draw

        colours = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        click.echo(draw(plot, axis, min(shutil.get_terminal_size((80, 24)).columns, 120), HEIGHT, colours))


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StorageError(f"cannot write it: {error.strerror}", where=str(file)) from error
    click.echo(f"wrote {file}")


def _print_points(plot: Plot, axis: str) -> None:
    import json

    points = {
        panel.metric: {
            plot.records[curve.run].path.name: [
                [_finite(x), _finite(y)] for x, y in zip(curve.series.axis(axis), curve.series.values, strict=True)
            ]
            for curve in panel.curves
        }
        for panel in plot.panels
    }
    click.echo(json.dumps({"x": axis, "metrics": points}))


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None
