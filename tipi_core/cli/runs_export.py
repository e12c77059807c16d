"""``tipi runs export``: the metrics of runs as one table."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click

from tipi_core.cli.records import find_runs, records_options
from tipi_core.errors import MissingPackage
from tipi_core.records.reader import Record

FIXED = ("run", "step", "time", "wall", "loop")


@click.command("export", short_help="Write the metrics of runs as CSV or Parquet.")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="A file .csv or .parquet; without it, stdout.")
@records_options
def command(ids: tuple[str, ...], output: Path | None, runs: Path | None, project: Path | None) -> None:
    """Write the rows of the runs ID (without: the latest) with one column for each metric.

    \b
    tipi runs export latest > rows.csv
    tipi runs export 3fa2 9c01 -o rows.parquet
    """
    from tipi_core.records.finding import pick_record

    folder = find_runs(runs, project)
    records = [pick_record(folder, word) for word in ids or ("latest",)]
    columns = [*FIXED, *metric_names(records)]
    if output is not None and output.suffix == ".parquet":
        _write_parquet(output, columns, records)
    elif output is not None:
        with output.open("w", newline="", encoding="utf-8") as file:
            _write_csv(file, columns, records)
    else:
        _write_csv(sys.stdout, columns, records)


def metric_names(records: Iterable[Record]) -> list[str]:
    """Return the names of all metrics, in the order in which they were first logged."""
    return list(dict.fromkeys(str(name) for record in records for row in record.metrics() for name in row["values"]))


def flat_rows(records: Iterable[Record]) -> Iterator[dict[str, Any]]:
    """Yield each row as one flat table: run, step, time, wall, loop and the metrics."""
    for record in records:
        for row in record.metrics():
            loop = "/".join(f"{desc}={count}" for desc, count in row.get("loop", ()))
            place = {"run": record.path.name, "loop": loop}
            yield {**row["values"], **{key: row.get(key) for key in ("step", "time", "wall")}, **place}


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
    names: dict[Any, float] = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}
    table = {column: [names.get(value, value) for value in (row.get(column) for row in rows)] for column in columns}
    pyarrow.parquet.write_table(pyarrow.table(table), output)
