"""Following a record: its new rows as they are written, until its run is over."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tipi.records import Record, read_record

PAUSE_SECONDS = 0.2
Row = tuple[int, dict[str, Any]]


class RowReader:
    """Reads the rows of ``metrics.jsonl`` once each, in order; a torn tail waits for its rest.

    Args:
        file: The file; it need not be there yet.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._offset = 0
        self._number = 0

    def read(self, most: int = 2**20) -> list[Row]:
        """Return number and content of the next whole rows, from at most ``most`` bytes and at least one row."""
        try:
            with self._file.open("rb") as file:
                file.seek(self._offset)
                data = file.read(most)
                if b"\n" not in data:
                    data += file.readline()
        except OSError:
            return []
        whole = data[: data.rfind(b"\n") + 1]
        self._offset += len(whole)
        return list(self._numbered(whole))

    def _numbered(self, data: bytes) -> Iterator[Row]:
        for line in data.splitlines():
            try:
                row = json.loads(line)
            except ValueError:
                row = None
            if isinstance(row, dict):
                yield self._number, row
            self._number += 1


def follow(record: Path, stop: Callable[[], bool] = lambda: False) -> Iterator[list[Row]]:
    """Yield batches of rows until the run is over, however it ended, or ``stop`` says so.

    Whether the run lives is asked first and the rows are read after, so that the last ones are never missed.
    """
    reader = RowReader(record / "metrics.jsonl")
    while True:
        over = is_over(record) or stop()
        while rows := reader.read():
            yield rows
        if over:
            return
        time.sleep(PAUSE_SECONDS)


def is_over(record: Path) -> bool:
    """Return whether the run has ended or died."""
    found = find_record(record)
    return found is None or found.state != "running"


def find_record(record: Path) -> Record | None:
    """Return the record, or None if somebody deleted it."""
    from tipi.plugin import TipiError

    try:
        return read_record(record)
    except TipiError:
        return None
