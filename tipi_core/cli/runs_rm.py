"""``tipi runs rm``: delete records."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import click

from tipi_core.cli.records import find_runs, records_options
from tipi_core.errors import LockedError, StorageError
from tipi_core.records.layout import LATEST
from tipi_core.records.reader import Record


@click.command("rm", short_help="Delete runs.")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.option("--dry-run", is_flag=True, help="Show what would be deleted, and delete nothing.")
@records_options
def command(ids: tuple[str, ...], dry_run: bool, runs: Path | None, project: Path | None) -> None:
    """Delete the runs ID with everything in their folders; one that is running is refused.

    \b
    tipi runs rm --dry-run latest~1
    tipi runs rm 3fa2 9c01
    """
    from tipi_core.records.finding import pick_record

    folder = find_runs(runs, project)
    remove({record.path: record for record in (pick_record(folder, word) for word in ids)}.values(), dry_run)


def remove(records: Iterable[Record], dry_run: bool) -> None:
    """Delete records, or say what would be deleted.

    Raises:
        LockedError: One of them is running; then none is deleted.
        StorageError: A folder cannot be deleted.
    """
    import shutil

    chosen = list(records)
    for record in chosen:
        if record.state == "running":
            raise LockedError(f"run {record.path.name} is running", where=str(record.path))
    total = 0
    for record in chosen:
        size = folder_size(record.path)
        total += size
        click.echo(f"{'would delete' if dry_run else 'deleted'} {record.path}  {size / 1e6:.1f} MB")
        if not dry_run:
            try:
                shutil.rmtree(record.path)
            except OSError as error:
                raise StorageError(f"cannot delete it: {error.strerror}", where=str(record.path)) from error
            tidy(record.path.parent)
    click.echo(f"{len(chosen)} runs, {total / 1e6:.1f} MB")


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
