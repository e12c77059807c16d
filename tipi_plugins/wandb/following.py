"""Following a record: its new rows as they are written, the steps they have in W&B, and whether its run is over."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from tipi.records import Record, read_record

PAUSE_SECONDS = 0.2
NOTES = frozenset({"define", "alert", "summary"})
Row = dict[str, Any]


class RowReader:
    """Reads the rows of ``metrics.jsonl`` once each, in order; a torn tail waits for its rest.

    Args:
        file: The file; it need not be there yet.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._offset = 0

    def read(self, most: int = 2**20) -> list[Row]:
        """Return the next whole rows, from at most ``most`` bytes and at least one row; none where there is no more."""
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
        return list(_parse(whole))


class Steps:
    """Numbers rows as W&B counts: each has a step of its own, which is the row's where the steps of a run increase.

    The numbers follow from the rows alone, so a relay that starts again finds the same ones.

    Args:
        base: The first step that is free.

    Example:
        >>> steps = Steps(0)
        >>> [steps.of(row) for row in ({"step": 0}, {"step": 5}, {"step": 5}, {"step": 6, "alert": {}}, {"step": 6})]
        [0, 5, 6, 7, 7]
    """

    def __init__(self, base: int) -> None:
        self.next = base

    def of(self, row: Row) -> int:
        """Return the step of the next row; a row that only says something about others takes none."""
        if not row.keys().isdisjoint(NOTES):
            return self.next
        given = row.get("step")
        step = max(self.next, given) if isinstance(given, int) else self.next
        self.next = step + 1
        return step


def _parse(lines: bytes) -> Iterator[Row]:
    for line in lines.splitlines():
        with suppress(ValueError):
            row = json.loads(line)
            if isinstance(row, dict):
                yield row


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
