"""``tipi runs diff``: what differs between two runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from tipi_core.cli.options import json_option
from tipi_core.cli.output import print_json, print_table
from tipi_core.cli.records import best_metrics, find_runs, flatten, printable, read_config, records_options, show_number
from tipi_core.records.layout import PATCH
from tipi_core.records.reader import Record

ABOUT = ("state", "seconds", "python", "system", "host", "device", "seed", "command", "cwd")


@click.command("diff", short_help="Show what differs between two runs.")
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@records_options
@json_option
def command(first: str, second: str, runs: Path | None, project: Path | None, as_json: bool) -> None:
    """Show where the runs A and B differ: config, code, packages, machine, metrics.

    \b
    tipi runs diff latest~1 latest
    """
    from tipi_core.records.finding import pick_record

    folder = find_runs(runs, project)
    records = [pick_record(folder, word) for word in (first, second)]
    sides = [describe(record) for record in records]
    differing = {
        section: {
            key: [one.get(key), other.get(key)]
            for key in dict.fromkeys([*one, *other])
            if one.get(key) != other.get(key)
        }
        for (section, one), other in zip(sides[0].items(), sides[1].values(), strict=True)
    }
    if as_json:
        print_json(differing)
        return
    for section, keys in differing.items():
        if keys:
            names = [record.path.name for record in records]
            print_table([section, *names], [[printable(key), *map(_show, pair)] for key, pair in keys.items()])
            click.echo("")
    if not any(differing.values()):
        click.echo("no difference")


def describe(record: Record) -> dict[str, dict[str, Any]]:
    """Return what two runs are compared by, section by section."""
    info = record.info
    return {
        "config": read_config(record),
        "code": {**_table(info.get("git")), "changes": _changes(record)},
        "packages": _table(info.get("packages")),
        "run": {key: info.get(key) for key in ABOUT if key != "state"} | {"state": record.state},
        "metric": best_metrics(record),
    }


def _table(value: Any) -> dict[str, Any]:
    return flatten(value) if isinstance(value, Mapping) else {}


def _changes(record: Record) -> str | None:
    """Return a short mark of the uncommitted changes."""
    from hashlib import sha256

    file = record.path / PATCH
    return f"{PATCH} {sha256(file.read_bytes()).hexdigest()[:8]}" if file.is_file() else None


def _show(value: Any) -> str:
    text = " ".join(map(str, value)) if isinstance(value, list) else show_number(value)
    return printable(text) if text else "-"
