"""``tipi runs rm``: delete records."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import click

from tipi_core.cli.options import json_option
from tipi_core.cli.output import print_json
from tipi_core.cli.records import find_runs, records_options
from tipi_core.errors import LockedError, StorageError, UsageError
from tipi_core.records.layout import LATEST
from tipi_core.records.reader import Record

DOOMED = ".deleted-"


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


def delete(folder: Path) -> None:
    """Delete a run's folder; where that is cut short, no half of a record is left that is taken for one.

    Raises:
        StorageError: The folder cannot be deleted.
    """
    import shutil

    doomed = folder.with_name(f"{DOOMED}{folder.name}")
    try:
        folder.rename(doomed)
        tidy(folder.parent)
        shutil.rmtree(doomed)
    except OSError as error:
        raise StorageError(f"cannot delete it: {error.strerror or error}", where=str(folder)) from error
    for left in folder.parent.glob(f"{DOOMED}*"):  # by one that was cut short
        shutil.rmtree(left, ignore_errors=True)
    tidy(folder.parent)


def tidy(folder: Path) -> None:
    """Let ``latest`` point to the newest run that is left; where none is, remove the folder."""
    from tipi_core.records.reader import scan

    link, left = folder / LATEST, sorted(entry.name for entry in scan(folder))
    if link.is_symlink() and not link.exists():
        link.unlink()
        if left:
            link.symlink_to(left[-1], target_is_directory=True)
    if not left:
        with suppress(OSError):  # something else lies there
            folder.rmdir()


def folder_size(folder: Path) -> int:
    """Return the bytes of all files in a folder; links are not followed."""
    return sum(file.lstat().st_size for file in folder.rglob("*") if file.is_file() and not file.is_symlink())
