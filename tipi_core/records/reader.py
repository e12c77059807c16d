"""Reading records back: nothing is imported, executed or locked to look at a run."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tipi_core.errors import UsageError
from tipi_core.records import lock
from tipi_core.records.atomic import read_last_lines, read_whole_lines
from tipi_core.records.layout import CONFIG, CRASHED, EVENTS, METRICS, RUN, RUNNING
from tipi_core.records.liveness import is_alive

if TYPE_CHECKING:
    from tipi_core.records.series import Series

LATEST_TIME = 2.0**33  # in the year 2242: later ones are no times that a calendar shows


@dataclass(frozen=True, slots=True)
class Record:
    """A run's record on disk.

    Attributes:
        path: Its folder.
        info: What ``run.json`` said when it was read.
        state: ``running``, ``completed``, ``failed``, ``interrupted``, or ``crashed`` for a run that says running
            while nobody holds its lock.

    Example:
        >>> for record in list_records(Path("runs")):
        ...     print(record.path.name, record.state)
    """

    path: Path
    info: dict[str, Any] = field(repr=False)
    state: str

    @property
    def config(self) -> str:
        """The effective configuration as TOML; empty for a script."""
        file = self.path / CONFIG
        return file.read_text(encoding="utf-8") if file.is_file() else ""

    @property
    def settings(self) -> dict[str, Any]:
        """What the run was told, by its ``config.toml`` and by ``logger.init(config=...)``, under dotted keys."""
        import tomllib

        try:
            told = tomllib.loads(self.config)
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError):
            told = {}
        own = self.info.get("config")
        return flatten({**told, **(own if isinstance(own, Mapping) else {})})

    @property
    def started(self) -> float | None:
        """When the run began, in seconds since 1970; None where ``run.json`` does not say."""
        started = self.info.get("started")
        return float(started) if isinstance(started, int | float) and 0 <= started < LATEST_TIME else None

    def metric_names(self) -> list[str]:
        """Return the names of all metrics, in the order in which they were first logged."""
        names = (name for row in self.metrics() if isinstance(row.get("values"), dict) for name in row["values"])
        return list(dict.fromkeys(map(str, names)))

    def latest_values(self) -> dict[str, Any]:
        """Return the last value of each metric among the last few rows, however many there are."""
        return {
            str(name): value
            for row in _parse(read_last_lines(self.path / METRICS))
            if isinstance(row.get("values"), dict)
            for name, value in row["values"].items()
        }

    def series(self, metric: str) -> Series:
        """Return every value of one metric, with the step, time and epoch of each."""
        from tipi_core.records.series import read_series

        pipeline = self.info.get("pipeline")
        return read_series(self.path / METRICS, metric, pipeline if isinstance(pipeline, str) else None)

    def metrics(self) -> Iterator[dict[str, Any]]:
        """Yield the rows of ``metrics.jsonl``; a torn last line is left out."""
        return _rows(self.path / METRICS)

    def events(self) -> Iterator[dict[str, Any]]:
        """Yield the rows of ``events.jsonl``; a torn last line is left out."""
        return _rows(self.path / EVENTS)


def read_record(path: Path | str) -> Record:
    """Return the record in a run's folder.

    Raises:
        UsageError: The folder holds no readable ``run.json``.
    """
    folder = Path(path)
    info = _read_info(folder)
    if info.get("state") == RUNNING and not lock.is_held(folder):
        info = _read_info(folder)  # again: it may have ended before the lock was asked for
        if info.get("state") == RUNNING and not _may_live(info):
            return Record(folder, info, CRASHED)
    return Record(folder, info, str(info.get("state", "?")))


def list_records(runs: Path | str) -> list[Record]:
    """Return the records under a ``runs`` folder, newest first; folders without a readable record are left out."""
    found = []
    for name in scan(runs):
        for entry in scan(name.path):
            with suppress(UsageError):
                found.append(read_record(entry.path))
    return sorted(found, key=_age, reverse=True)


def scan(folder: Path | str) -> list[os.DirEntry[str]]:
    """Return the folders in a folder, without links and hidden ones; none where it cannot be read."""
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if entry.name[0] != "." and entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []


def _read_info(folder: Path) -> dict[str, Any]:
    from msgspec import MsgspecError
    from msgspec.json import decode  # a fifth of the time of json.loads, which ten thousand records show

    try:
        with open(f"{folder}/{RUN}", "rb") as file:
            info = decode(file.read())
    except (OSError, MsgspecError, UnicodeDecodeError) as error:
        raise UsageError(f"no record in {str(folder)!r}", hint=str(error)) from None
    if not isinstance(info, dict):
        raise UsageError(f"no record in {str(folder)!r}", hint=f"{RUN} holds no table")
    return info


def _may_live(info: dict[str, Any]) -> bool:
    """Return whether a run without a held lock is to be believed that it is running."""
    without_locks_elsewhere = info.get("locked") is False and info.get("host") != platform.node()
    return without_locks_elsewhere or is_alive(info)


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested tables under dotted keys.

    Example:
        >>> flatten({"a": {"b": 1}, "c": 2})
        {'a.b': 1, 'c': 2}
    """
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def _age(record: Record) -> tuple[float, str]:
    return record.started or 0.0, record.path.name


def _rows(file: Path) -> Iterator[dict[str, Any]]:
    for block in read_whole_lines(file):
        yield from _parse(block)


def _parse(block: bytes) -> Iterator[dict[str, Any]]:
    from msgspec import DecodeError
    from msgspec.json import decode

    for line in block.splitlines():
        try:
            row = decode(line)
        except DecodeError:
            row = _decode_loosely(line)
        if isinstance(row, dict):
            yield row


def _decode_loosely(line: bytes) -> Any:
    """Return a row of a writer that has words for NaN; None for a line that a crashed machine left in pieces."""
    try:
        return json.loads(line)
    except ValueError:
        return None
