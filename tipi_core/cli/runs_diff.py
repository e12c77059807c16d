"""``tipi runs diff``: what differs between two runs."""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from tipi_core.cli.options import json_option
from tipi_core.cli.output import print_json, print_table, separate
from tipi_core.cli.records import best_metrics, find_runs, printable, records_options, short_ids, show_number
from tipi_core.records.layout import PATCH
from tipi_core.records.reader import Record, flatten

MOST_PART = 10.0  # what grew more is not told in percent
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
    names = short_ids(records)
    for section, keys in differing.items():
        if keys:
            separate()
            _print_section(section, names, keys)
    if not any(differing.values()):
        click.echo("no difference")
    commits = differing["code"].get("commit", ())
    if all(commits) and commits:
        separate()
        click.echo(f"git diff {commits[0]} {commits[1]}")


def _print_section(section: str, names: list[str], keys: Mapping[str, list[Any]]) -> None:
    rows = [[printable(key), *map(_show, pair), _difference(*pair)] for key, pair in keys.items()]
    columns = [section, *names, "difference"]
    if not any(row[-1] for row in rows):
        columns, rows = columns[:-1], [row[:-1] for row in rows]
    numbers = columns[1:] if section == "metric" else []
    print_table(columns, rows, numbers=numbers)


def _difference(one: Any, other: Any) -> str:
    """Return by how much a number is larger or smaller than the one before, absolute and in percent."""
    if not all(type(value) in (int, float) and math.isfinite(value) for value in (one, other)):
        return ""
    change = f"{other - one:+.4g}"
    part = (other - one) / abs(one) if one else math.inf
    return f"{change} ({part:+.1%})" if abs(part) < MOST_PART else change


def describe(record: Record) -> dict[str, dict[str, Any]]:
    """Return what two runs are compared by, section by section."""
    info = record.info
    return {
        "config": record.settings,
        "code": {**_table(info.get("git")), **_changes(record)},
        "packages": _table(info.get("packages")),
        "run": {key: info.get(key) for key in ABOUT if key != "state"} | {"state": record.state},
        "metric": best_metrics(record),
    }


def _table(value: Any) -> dict[str, Any]:
    return flatten(value) if isinstance(value, Mapping) else {}


def _changes(record: Record) -> dict[str, str]:
    """Return the files with uncommitted changes, each with how many lines were added and taken away."""
    try:
        patch = (record.path / PATCH).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    changes: dict[str, list[int]] = {}
    count = [0, 0]
    for line in patch.splitlines():
        if line.startswith("diff --git "):
            count = changes.setdefault(line.rpartition(" b/")[2], [0, 0])
        elif line[:1] in ("+", "-") and not line.startswith(("+++ ", "--- ")):
            count[line[0] == "-"] += 1
    mark = zlib.crc32(patch.encode(errors="replace"))
    shown = {f"changed {file}": f"+{more} -{less}" for file, (more, less) in changes.items()}
    return {**shown, "changes": f"{PATCH} {mark:08x}"} if shown else {}


def _show(value: Any) -> str:
    text = " ".join(map(str, value)) if isinstance(value, list) else show_number(value)
    return printable(text) if text else "-"
