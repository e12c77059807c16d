"""``tipi runs rm``: delete records."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from tipi_core.cli.options import json_option
from tipi_core.cli.output import print_json
from tipi_core.cli.records import find_runs, records_options
from tipi_core.errors import LockedError, UsageError
from tipi_core.records.reader import Record
from tipi_core.records.removing import delete


@click.command("rm", short_help="Delete runs.")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.option("--dry-run", is_flag=True, help="Show what would be deleted, and delete nothing.")
@records_options
@json_option
def command(ids: tuple[str, ...], dry_run: bool, runs: Path | None, project: Path | None, as_json: bool) -> None:
    """Delete the runs ID with everything in their folders; one that is running is refused.

    \b
    tipi runs rm --dry-run latest~1
    tipi runs rm 3fa2 9c01
    """
    from tipi_core.records.finding import pick_folder

    folder = find_runs(runs, project)
    paths = dict.fromkeys(pick_folder(folder, word) for word in ids)
    remove(map(_read, paths), dry_run, as_json)


def _read(folder: Path) -> Record:
    """Return the record in a folder, also where its ``run.json`` is damaged."""
    from tipi_core.records.lock import is_held
    from tipi_core.records.reader import read_record

    try:
        return read_record(folder)
    except UsageError:
        return Record(folder, {}, "running" if is_held(folder) else "unreadable")


def remove(records: Iterable[Record], dry_run: bool, as_json: bool) -> None:
    """Delete records, or say what would be deleted.

    Raises:
        LockedError: One of them is running; then none is deleted.
        StorageError: A folder cannot be deleted.
    """
    chosen = list(records)
    for record in chosen:
        if record.state == "running":
            raise LockedError(f"run {record.path.name} is running", where=str(record.path))
    sizes = {record.path: folder_size(record.path) for record in chosen}
    for path, size in sizes.items():
        if not dry_run:
            delete(path)
        if not as_json:
            click.echo(f"{'would delete' if dry_run else 'deleted'} {path}  {size / 1e6:.1f} MB")
    if as_json:
        print_json([{"path": str(path), "bytes": size, "deleted": not dry_run} for path, size in sizes.items()])
    else:
        runs = "1 run" if len(chosen) == 1 else f"{len(chosen)} runs"
        click.echo(f"{runs}, {sum(sizes.values()) / 1e6:.1f} MB")


def folder_size(folder: Path) -> int:
    """Return the bytes of all files in a folder; links are not followed."""
    return sum(file.lstat().st_size for file in folder.rglob("*") if file.is_file() and not file.is_symlink())
