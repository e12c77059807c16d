"""Deleting a record, so that nothing is left that looks like half of one."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from tipi_core.errors import StorageError
from tipi_core.records.layout import CONFIG, EVENTS, LATEST, LOCK, METRICS, PATCH, RUN
from tipi_core.records.reader import scan

DOOMED = ".deleted-"


def delete_unused(folder: Path) -> None:
    """Delete the record of a run that came to nothing: no process began, no metric, no file of anybody else in it.

    Raises:
        StorageError: The folder cannot be deleted.
    """
    used = {file.name for file in folder.iterdir()} - {RUN, CONFIG, EVENTS, METRICS, LOCK, PATCH}
    began = b'"process_started"' in (folder / EVENTS).read_bytes()
    if not used and not began and not (folder / METRICS).stat().st_size:
        delete(folder)


def delete(folder: Path) -> None:
    """Delete a run's folder; where that is cut short, no half of a record is left that is taken for one.

    Raises:
        StorageError: The folder cannot be deleted.
    """
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
    link, left = folder / LATEST, sorted(entry.name for entry in scan(folder))
    if link.is_symlink() and not link.exists():
        link.unlink()
        if left:
            link.symlink_to(left[-1], target_is_directory=True)
    if not left:
        with suppress(OSError):  # something else lies there
            folder.rmdir()
