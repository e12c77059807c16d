"""``tipi runs export``: the metrics of runs as one table."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click

from tipi_core.cli.options import json_option
from tipi_core.cli.output import print_json
from tipi_core.cli.records import find_runs, records_options
from tipi_core.errors import MissingPackage, StorageError
from tipi_core.records.reader import Record

NAMES: dict[Any, float] = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}
FIXED = ("run", "step", "time", "wall", "loop")


@click.command("export", short_help="Write the metrics of runs as CSV or Parquet.")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="A file .csv or .parquet; without it, stdout.")
@records_options
@json_option
def command(ids: tuple[str, ...], output: Path | None, runs: Path | None, project: Path | None, as_json: bool) -> None:
    """Write the rows of the runs ID (without: the latest) with one column for each metric.

    \b
    tipi runs export latest > rows.csv
    tipi runs export 3fa2 9c01 -o rows.parquet
    """
    from tipi_core.records.finding import pick_record

    folder = find_runs(runs, project)
    records = [pick_record(folder, word) for word in ids or ("latest",)]
    try:
        _write(output, records, as_json)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise StorageError(f"cannot write it: {error.strerror}", where=str(output or "stdout")) from error


def _write(output: Path | None, records: list[Record], as_json: bool) -> None:
    columns = [*FIXED, *metric_names(records)]
    if as_json:
        print_json(list(flat_rows(records)))
    elif output is None:
        _write_csv(sys.stdout, columns, records)
    elif output.suffix == ".parquet":
        _write_parquet(output, columns, records)
    else:
        with output.open("w", newline="", encoding="utf-8") as file:
            _write_csv(file, columns, records)


def metric_names(records: Iterable[Record]) -> list[str]:
    """Return the names of all metrics, in the order in which they were first logged."""
    return list(dict.fromkeys(name for record in records for name in record.metric_names() if name not in FIXED))


def flat_rows(records: Iterable[Record]) -> Iterator[dict[str, Any]]:
    """Yield each row as one flat table: run, step, time, wall, loop and the metrics."""
    for record in records:
        for row in record.metrics():
            values = row.get("values")
            metrics = values if isinstance(values, dict) else {}
            fixed = {key: row.get(key) for key in ("step", "time", "wall")}
            yield {**metrics, **fixed, "run": record.path.name, "loop": _loop(row.get("loop"))}


def _loop(loops: Any) -> str:
    """Return the open loops in words; what is no list of pairs gives none."""
    pairs = [pair for pair in loops if isinstance(pair, list) and len(pair) == 2] if isinstance(loops, list) else []
    return "/".join(f"{desc}={count}" for desc, count in pairs)


def _write_csv(file: Any, columns: list[str], records: list[Record]) -> None:
    writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat_rows(records))


def _write_parquet(output: Path, columns: list[str], records: list[Record]) -> None:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingPackage(
            "Parquet needs pyarrow, which is not installed here", hint="pip install pyarrow"
        ) from error
    rows = list(flat_rows(records))
    table = {column: one_type([row.get(column) for row in rows]) for column in columns}
    pyarrow.parquet.write_table(pyarrow.table(table), output)


def one_type(values: list[Any]) -> list[Any]:
    """Return a column as one type, which Parquet wants: numbers as they are, what is mixed with text as text.

    Example:
        >>> one_type([1, "NaN", None, True]), one_type([1, "a", None])
        ([1.0, nan, None, 1.0], ['1', 'a', None])
    """
    kinds = {type(value) for value in values if value is not None and value not in NAMES}
    odd = any(isinstance(value, str) for value in values)
    if kinds <= {bool} or kinds <= {str}:
        named = odd and not kinds
        return [NAMES.get(value, value) if named else value for value in values]
    if kinds <= {bool, int, float}:
        whole = kinds == {int} and not odd
        return [value if value is None or whole else float(value) for value in values]
    return [None if value is None else str(value) for value in values]
