"""Finding a record by what a user types: the beginning of its id, ``latest``, ``latest~2``, or its folder."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from itertools import groupby
from pathlib import Path

from tipi_core.errors import UsageError, did_you_mean
from tipi_core.records.layout import RUN
from tipi_core.records.reader import Record, read_record, scan

LATEST = re.compile(r"latest(?:~(\d+))?")


def record_folders(runs: Path) -> list[Path]:
    """Return the folders of all records, newest first as their names tell, without reading any.

    Example:
        >>> record_folders(Path("no such folder"))
        []
    """
    found = []
    for name in scan(runs):
        found += [(entry.name, entry.path) for entry in scan(name.path)]
    return [Path(path) for _, path in sorted(found, reverse=True)]


def pick_record(runs: Path, word: str) -> Record:
    """Return the one record that ``word`` names.

    Args:
        runs: The folder of all records.
        word: The beginning of an id or of its random digits, ``NAME/ID``, ``latest``, ``latest~N`` (the Nth before
            it), or a path.

    Raises:
        UsageError: No record fits, or several do, or it cannot be read.
    """
    return read_record(pick_folder(runs, word))


def pick_folder(runs: Path, word: str) -> Path:
    """Return the folder of the one record that ``word`` names; what is in it need not be readable.

    Raises:
        UsageError: No record fits, or several do.
    """
    if os.sep in word and (Path(word) / RUN).is_file():
        return Path(word).resolve()  # such as runs/train/latest, which is a link
    folders = [folder for folder in record_folders(runs) if (folder / RUN).is_file()]
    name, _, prefix = word.rpartition("/")
    if name:
        folders = [folder for folder in folders if folder.parent.name == name]
    latest = LATEST.fullmatch(prefix)
    if latest and folders:
        return _nth(runs, folders, int(latest[1] or 0))
    fitting = [f for f in folders if f.name.startswith(prefix) or f.name.rpartition("-")[2].startswith(prefix)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        shown = ", ".join(folder.name for folder in fitting[:3])
        raise UsageError(f"{word!r} names {len(fitting)} runs", where=str(runs), hint=f"{shown}: type more of one")
    raise UsageError(f"no run {word!r}", where=str(runs), hint=_hint(word, folders, record_folders(runs)))


def _hint(word: str, folders: list[Path], everywhere: list[Path]) -> str | None:
    """Return what may have been meant: a name's latest run, a name that is nearly the same, one of the newest."""
    names = {folder.parent.name for folder in everywhere}
    name = word.partition("/")[0]
    if word in names:
        return f"{word}/latest is the newest of that name"
    if folders:
        return did_you_mean(word, [folder.name for folder in folders[:5]], "the newest are")
    if "/" in word and name not in names:
        return did_you_mean(name, names, "names")
    return "there are no runs"


def _nth(runs: Path, folders: list[Path], number: int) -> Path:
    """Return the Nth newest of those that can be read."""
    found = 0
    for _, group in groupby(folders, _second):
        records = []
        for folder in group:
            with suppress(UsageError):
                records.append(read_record(folder))
        if number < found + len(records):
            newest_first = sorted(records, key=lambda record: record.started or 0.0, reverse=True)
            return newest_first[number - found].path
        found += len(records)
    there = {0: "are no runs", 1: "is only 1 run"}.get(found, f"are only {found} runs")
    raise UsageError(f"there {there}", where=str(runs))


def _second(folder: Path) -> str:
    """Return the part of an id that is its time; runs of one second are told apart by ``run.json``."""
    return folder.name.rpartition("-")[0]


def find_record(word: str, runs: Path | None = None, project: Path | None = None) -> Record:
    """Return the record that ``word`` names, among those that a run started here would lie beside.

    Args:
        word: As :func:`pick_record` takes it.
        runs: The folder of all records, if it is another one.
        project: The project's folder, if it is not the one around here.

    Raises:
        UsageError: No record fits, or several do.
    """
    from tipi_core.project.settings import find_root, runs_folder

    return pick_record(runs or runs_folder(project or find_root(Path.cwd()) or Path.cwd()), word)
