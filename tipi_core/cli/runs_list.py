"""``tipi runs list``: the records, newest first."""

from __future__ import annotations

import operator
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from tipi_core.cli.options import json_option
from tipi_core.cli.output import print_json, print_table
from tipi_core.cli.records import (
    best_metrics,
    describe_duration,
    describe_start,
    find_runs,
    printable,
    read_config,
    records_options,
    show_number,
)
from tipi_core.errors import UsageError
from tipi_core.records.reader import Record

SHOWN = 30
MOST_METRICS = 3
OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "<=": operator.le, ">=": operator.ge, "!=": operator.ne, "==": operator.eq, "=": operator.eq, "<": operator.lt,
    ">": operator.gt,
}  # fmt: skip


@click.command("list", short_help="List the runs, newest first.")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--state", multiple=True, help="Only runs in this state, such as failed; may be repeated.")
@click.option("--where", multiple=True, metavar="KEY<VALUE", help="Only runs whose metric or config value fits.")
@click.option("-n", "number", type=int, default=SHOWN, show_default=True, help="How many to show; 0 shows all.")
@records_options
@json_option
def command(
    names: tuple[str, ...],
    state: tuple[str, ...],
    where: tuple[str, ...],
    number: int,
    runs: Path | None,
    project: Path | None,
    as_json: bool,
) -> None:
    """List the runs of the pipelines or scripts NAME, or all, with state, duration and best metrics.

    \b
    tipi runs
    tipi runs list train --state failed
    tipi runs list --where "val_loss<0.5" --where lr=0.1 --json
    """
    from tipi_core.records import list_records

    tests = [_parse(word) for word in where]
    found = [
        record
        for record in list_records(find_runs(runs, project))
        if (not names or record.path.parent.name in names)
        and (not state or record.state in state)
        and all(test(record) for test in tests)
    ]
    shown = found[:number] if number > 0 else found
    if as_json:
        print_json([_as_dict(record) for record in shown])
        return
    print_table(
        ["id", "name", "state", "started", "took", "best"], [_row(record) for record in shown], numbers=["took"]
    )
    if len(found) > len(shown):
        click.echo(f"{len(found) - len(shown)} more: -n 0 shows all")


def _row(record: Record) -> list[str]:
    metrics = best_metrics(record)
    best = " ".join(f"{printable(key)}={show_number(value)}" for key, value in list(metrics.items())[:MOST_METRICS])
    more = len(metrics) - MOST_METRICS
    return [
        record.path.name,
        record.path.parent.name,
        record.state,
        describe_start(record),
        describe_duration(record),
        f"{best} +{more}" if more > 0 else best,
    ]


def _as_dict(record: Record) -> dict[str, Any]:
    return {
        "id": record.path.name,
        "name": record.path.parent.name,
        "state": record.state,
        "started": record.info.get("started"),
        "seconds": record.info.get("seconds"),
        "metrics": best_metrics(record),
        "path": str(record.path),
    }


def _parse(word: str) -> Callable[[Record], bool]:
    """Return the test that ``KEY<VALUE`` asks for.

    Raises:
        UsageError: There is no operator in it.
    """
    for sign, compare in OPERATORS.items():
        key, found, text = word.partition(sign)
        if found and key:
            return lambda record: _fits(record, key.strip(), compare, text.strip())
    raise UsageError(f"--where {word!r} has no comparison", hint='write for example --where "loss<0.5"')


def _fits(record: Record, key: str, compare: Callable[[Any, Any], Any], text: str) -> bool:
    value = best_metrics(record).get(key)
    if value is None:
        value = read_config(record).get(key)
    if value is None:
        return False
    try:
        return bool(compare(float(value), float(text)))
    except (TypeError, ValueError):
        return bool(compare(str(value), text)) if compare in (operator.eq, operator.ne) else False
