"""``tipi runs list``: the records, newest first."""

from __future__ import annotations

import operator
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from tipi_core.cli.options import json_option
from tipi_core.cli.output import GAP, is_terminal, print_json, print_table, table_width, terminal_width
from tipi_core.cli.records import (
    best_metrics,
    check_states,
    describe_duration,
    describe_start,
    find_runs,
    printable,
    records_options,
    short_ids,
    show_number,
)
from tipi_core.errors import UsageError, did_you_mean
from tipi_core.records.finding import record_folders
from tipi_core.records.layout import RUN
from tipi_core.records.reader import Record

SHOWN = 30
NEW_SECONDS = 10.0
WIDE = 100  # characters for metrics where no terminal says how many there are
NARROW = 20
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

    check_states(state)
    tests = [_parse(word) for word in where]
    folder = find_runs(runs, project)
    known = list_records(folder)
    found = [
        record
        for record in known
        if (not names or record.path.parent.name in names)
        and (not state or record.state in state)
        and all(test(record) for test in tests)
    ]
    shown = found[:number] if number > 0 else found
    if as_json:
        print_json([_as_dict(record) for record in shown])
    elif shown:
        _print_runs(shown)
    if not found:
        click.echo(_say_none(folder, known, names, where), err=True)
    if len(found) > len(shown) and not as_json:
        click.echo(f"{len(found) - len(shown)} more: -n 0 shows all")
    _warn_of_unreadable(folder, known)


def _say_none(folder: Path, known: list[Record], names: tuple[str, ...], where: tuple[str, ...]) -> str:
    """Return why nothing was found: no run at all, a name or a key that no run has, or none that fits."""
    if not known:
        return f"no runs in {folder}"
    there = {record.path.parent.name for record in known}
    for name in names:
        if name not in there:
            hint = did_you_mean(name, there, "there are")
            return f"no runs are called {name!r}, {hint}"
    keys = {key for record in known[:SHOWN] for key in (*best_metrics(record), *record.settings)}
    for word in where:
        key = _split(word)[0]
        if key not in keys and not any(_value(record, key) is not None for record in known):
            hint = did_you_mean(key, keys)
            return f"no run has a metric or setting {key!r}{f', {hint}' if hint else ''}"
    return f"none of {len(known)} runs fits"


def _warn_of_unreadable(folder: Path, known: list[Record]) -> None:
    """Say which folders hold no record that can be read; one that is just being made is none of them."""
    paths = {record.path for record in known}
    lost = [path for path in record_folders(folder) if path not in paths and not _is_new(path)]
    if lost:
        more = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
        click.echo(f"no readable {RUN} in {lost[0]}{more}", err=True)


def _is_new(folder: Path) -> bool:
    try:
        return time.time() - folder.stat().st_mtime < NEW_SECONDS
    except OSError:  # deleted meanwhile
        return True


def _print_runs(records: list[Record]) -> None:
    columns, numbers, optional = ["id", "name", "state", "started", "took"], ["took"], ["started", "took"]
    ids = short_ids(records) if is_terminal() else [record.path.name for record in records]
    rows = [
        [run_id, record.path.parent.name, record.state, describe_start(record), describe_duration(record)]
        for run_id, record in zip(ids, records, strict=True)
    ]
    room = terminal_width() - table_width(columns, rows) - GAP if is_terminal() else WIDE
    if room < NARROW:
        room += max(len(row[3]) for row in rows) + GAP  # the first optional column makes room
    best = [_best_cell(record, max(room, NARROW)) for record in records]
    rows = [[*row, cell] for row, cell in zip(rows, best, strict=True)]
    print_table([*columns, "best"], rows, numbers=numbers, optional=optional)


def _best_cell(record: Record, room: int) -> str:
    """Return as many metrics as there is room for, one at least, and how many more there are."""
    texts = [f"{printable(key)}={show_number(value)}" for key, value in best_metrics(record).items()]
    count = len(texts)
    while count > 1 and len(_join(texts, count)) > room:
        count -= 1
    return _join(texts, count)


def _join(texts: list[str], count: int) -> str:
    more = len(texts) - count
    return " ".join([*texts[:count], f"+{more}"] if more else texts)


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
    """Return the test that ``KEY<VALUE`` asks for."""
    key, sign, text = _split(word)
    return lambda record: _fits(_value(record, key), OPERATORS[sign], text)


def _split(word: str) -> tuple[str, str, str]:
    """Return key, operator and value of ``KEY<VALUE``.

    Raises:
        UsageError: There is no operator in it.
    """
    for sign in OPERATORS:
        key, found, text = word.partition(sign)
        if found and key:
            return key.strip(), sign, text.strip()
    raise UsageError(f"--where {word!r} has no comparison", hint='write for example --where "loss<0.5"')


def _value(record: Record, key: str) -> Any:
    """Return a metric of a run, or what it was told; a setting also by the last part of its name."""
    value = best_metrics(record).get(key)
    if value is not None:
        return value
    settings = record.settings
    return settings.get(key, next((told for name, told in settings.items() if name.endswith(f".{key}")), None))


def _fits(value: Any, compare: Callable[[Any, Any], Any], text: str) -> bool:
    if value is None:
        return False
    try:
        return bool(compare(float(value), float(text)))
    except (TypeError, ValueError):
        return bool(compare(str(value), text)) if compare in (operator.eq, operator.ne) else False
