"""``tipi runs show``: one run, with config, outcomes, metrics and curves."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path, PurePath
from typing import Any

import click

from tipi_core.checkpoints import Listed, survey_checkpoints
from tipi_core.cli.options import json_option
from tipi_core.cli.output import print_json, print_table, separate, terminal_width
from tipi_core.cli.records import (
    describe_duration,
    describe_start,
    find_runs,
    printable,
    records_options,
    runs_argument,
    show_number,
)
from tipi_core.devices.info import format_bytes
from tipi_core.metrics.trends import Trend, has_no_best, sparkline
from tipi_core.records.reader import Record

MOST_CURVES = 4
CURVE_HEIGHT = 8
LARGEST = 1e300  # plotille cannot draw beyond
NUMBERS = ("first", "last", "min", "max", "rows", "seconds", "size")
OUTCOMES = {"process_finished": "done", "process_skipped": "skipped", "process_failed": "failed"}


@click.command("show", short_help="Show one run.")
@runs_argument
@click.option("--no-curves", is_flag=True, help="Leave the curves out.")
@records_options
@json_option
def command(run: str, no_curves: bool, runs: Path | None, project: Path | None, as_json: bool) -> None:
    """Show the run ID: state, config, what became of each process, metrics with curves.

    ID is the beginning of an id or of its last six digits, latest, latest~2 (the second before it), NAME/ID or a
    folder.

    \b
    tipi runs show
    tipi runs show latest~1
    tipi runs show 3fa2
    """
    from tipi_core.records.finding import pick_record

    record = pick_record(find_runs(runs, project), run)
    trends = read_trends(record)
    if as_json:
        metrics = {name: trend.facts(name) for name, trend in trends.items()}
        kept = [asdict(listed) for listed in survey_checkpoints(record.path)]
        facts = {**record.info, "state": record.state, "metrics": metrics, "checkpoints": kept}
        print_json({"path": str(record.path), **facts})
        return
    for line in _head(record):
        click.echo(line)
    _print_section(["config", "value"], [[key, printable(value)] for key, value in record.settings.items()])
    _print_section(["process", "outcome", "seconds"], list(_outcomes(record)))
    _print_section(["checkpoint", "what", "size"], [_checkpoint_row(one) for one in survey_checkpoints(record.path)])
    rows = [_metric_row(name, trend) for name, trend in trends.items()]
    _print_section(["metric", "first", "last", "min", "max", "rows", "curve"], rows)
    if not no_curves:
        for line in _curves(trends):
            click.echo(line)


def read_trends(record: Record) -> dict[str, Trend]:
    """Return the course of each metric, from the rows themselves: a crashed run has them too."""
    trends: dict[str, Trend] = {}
    for row in record.metrics():
        values = row.get("values")
        for name, value in values.items() if isinstance(values, dict) else ():
            if type(value) in (int, float) and abs(value) <= sys.float_info.max:
                trends.setdefault(str(name), Trend()).add(value)
    return trends


def _head(record: Record) -> Iterator[str]:
    info = record.info
    yield f"{record.path.parent.name}  {record.path.name}  {record.state}"
    yield f"  {describe_start(record)}  {describe_duration(record)}  {printable(info.get('host', ''))}"
    command = info.get("command")
    if isinstance(command, list):
        yield f"  {printable(describe_command(command))}"
    git = info.get("git")
    if isinstance(git, dict):
        yield f"  git {printable(git.get('commit', ''))[:12]}{' with changes' if git.get('dirty') else ''}"
    if info.get("device"):
        yield f"  on {printable(info['device'])}"
    if info.get("error"):
        yield f"  {printable(info['error'])}"
    yield f"  {record.path}"


def describe_command(words: list[Any]) -> str:
    """Return a command line as it was typed, without where Python and the console script lie.

    Example:
        >>> describe_command(["/x/bin/python3", "/x/bin/tipi", "run", "line"]), describe_command(["/x/python", "a.py"])
        ('tipi run line', 'python a.py')
    """
    texts = [str(word) for word in words]
    if texts and PurePath(texts[0]).name.startswith("python"):
        texts[0] = PurePath(texts[0]).name
        if len(texts) > 1 and PurePath(texts[1]).name == "tipi":
            texts[:2] = ["tipi"]
        elif texts[1:3] == ["-m", "tipi"]:
            texts[:3] = ["tipi"]
    return " ".join(texts)


def _print_section(columns: list[str], rows: list[list[Any]]) -> None:
    if rows:
        separate()
        print_table(columns, rows, numbers=NUMBERS, optional=("rows", "first", "max", "min"))


def _outcomes(record: Record) -> Iterator[list[Any]]:
    for event in record.events():
        outcome = OUTCOMES.get(str(event.get("event")))
        if outcome is not None:
            why = event.get("reason") or event.get("error")
            seconds = event.get("seconds")
            text = f"{outcome}: {printable(why)}" if why else outcome
            yield [printable(event.get("name")), text, f"{seconds:.1f}" if isinstance(seconds, int | float) else None]


def _checkpoint_row(listed: Listed) -> list[Any]:
    words = [*map(printable, listed.marks), *([listed.problem] if listed.problem else [])]
    return [printable(listed.name), ", ".join(words), format_bytes(listed.size)]


def _metric_row(name: str, trend: Trend) -> list[Any]:
    numbers = [show_number(value) for value in (trend.first, trend.last, trend.low, trend.high, trend.rows)]
    return [printable(name), *numbers, sparkline(trend.curve)]


def _curves(trends: dict[str, Trend]) -> Iterator[str]:
    """Yield curves drawn by plotille, for the first few metrics, where it is installed."""
    try:
        import plotille
    except ImportError:
        return
    width = min(terminal_width(), 100) - 24
    drawn = [name for name, trend in trends.items() if len(trend.curve) > 2 and 0 < trend.high - trend.low < LARGEST]
    for name in [name for name in drawn if not has_no_best(name)][:MOST_CURVES]:
        trend = trends[name]
        figure = plotille.Figure()
        figure.width, figure.height = max(width, 20), CURVE_HEIGHT
        figure.x_label, figure.y_label = "row", printable(name)
        figure.origin = False
        figure.register_label_formatter(float, _label)
        figure.set_x_limits(min_=0, max_=trend.rows - 1)
        figure.set_y_limits(min_=trend.low, max_=trend.high)
        figure.plot([place * trend.every for place in range(len(trend.curve))], trend.curve)
        yield ""
        yield figure.show()


def _label(value: float, chars: int, delta: float, left: bool = False) -> str:
    """Write a mark of an axis; what is tiny beside the distance of two marks is zero."""
    text = f"{0 if abs(value) < delta / 1000 else value:.4g}"
    return text.ljust(chars) if left else text.rjust(chars)
