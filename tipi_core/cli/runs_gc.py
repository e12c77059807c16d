"""``tipi runs gc``: delete old records."""

from __future__ import annotations

import time
from pathlib import Path

import click

from tipi_core.cli.options import json_option
from tipi_core.cli.records import check_states, find_runs, records_options
from tipi_core.cli.runs_rm import remove
from tipi_core.errors import UsageError

DAY = 86400.0


@click.command("gc", short_help="Delete old runs.")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--keep", type=click.IntRange(min=0), help="Keep the newest so many of each name.")
@click.option("--older", type=click.FloatRange(min=0), metavar="DAYS", help="Only runs that began so many days ago.")
@click.option("--state", multiple=True, help="Only runs in this state, such as crashed; may be repeated.")
@click.option("--dry-run", is_flag=True, help="Show what would be deleted, and delete nothing.")
@records_options
@json_option
def command(
    names: tuple[str, ...],
    keep: int | None,
    older: float | None,
    state: tuple[str, ...],
    dry_run: bool,
    runs: Path | None,
    project: Path | None,
    as_json: bool,
) -> None:
    """Delete the runs of NAME, or of all, that every given option allows; running ones stay.

    \b
    tipi runs gc --keep 10 --dry-run
    tipi runs gc train --older 30 --state failed --state crashed
    """
    from tipi_core.records import list_records

    if keep is None and older is None and not state:
        raise UsageError("nothing says which runs are old", hint="give --keep, --older or --state")
    check_states(state)
    chosen, seen = [], dict[str, int]()
    for record in list_records(find_runs(runs, project)):
        name = record.path.parent.name
        if names and name not in names:
            continue
        seen[name] = seen.get(name, 0) + 1
        age = 0.0 if record.started is None else (time.time() - record.started) / DAY
        fits = (keep is None or seen[name] > keep) and (older is None or age > older)
        if fits and (not state or record.state in state) and record.state != "running":
            chosen.append(record)
    remove(chosen, dry_run, as_json)
