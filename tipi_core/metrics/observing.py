"""Observers: the rows of a run on their way to the plugins, on a thread of their own and from a bounded queue."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from tipi_core.metrics.console import say
from tipi_core.records.atomic import whole_lines
from tipi_core.records.background import Background
from tipi_core.records.layout import METRICS
from tipi_core.run import Run

MOST_ROWS = 10_000
MOST_BYTES = 2**20
END_SECONDS = 10.0
PAUSE_SECONDS = 0.25
Rows = Sequence[dict[str, Any]]


class Observers:
    """Hands rows to ``tipi_log``; a slow observer delays neither the training nor the record.

    Rows that do not fit into the queue are read from the record again once there is room: it lags behind the file
    and catches up.

    Args:
        run: The run.
        loading: The work that loads the plugins; rows wait for it.
    """

    def __init__(self, run: Run, loading: Background) -> None:
        self._run = run
        self._loading = loading
        self._queue: deque[Rows] = deque()
        self._queued = 0
        self._unread: int | None = None  # where in the file the first row lies that found no room
        self._end = 0
        self._ending = False
        self._change = threading.Condition()
        # begun at once: while Python ends, where the rows of a short script are written, no thread can be
        self._thread = threading.Thread(target=self._work, name="tipi-observers", daemon=True)
        self._thread.start()

    def put(self, rows: Rows, start: int, end: int) -> None:
        """Take the rows that lie between two places of the record's file; called by the writer, in order."""
        if not rows or (self._run.knows_plugins and not self._run.host.implements("tipi_log")):
            return
        with self._change:
            self._end = end
            if self._unread is None and self._queued < MOST_ROWS:
                self._queue.append(rows)
                self._queued += len(rows)
            elif self._unread is None:
                self._unread = start
            self._change.notify_all()

    def close(self) -> None:
        """Wait until everything was handed over, ten seconds at most."""
        with self._change:
            self._ending = True
            self._change.notify_all()
        self._thread.join(END_SECONDS)
        if self._thread.is_alive():
            say("a plugin did not take all metrics in time; they are in the record")

    def _work(self) -> None:
        with self._change:
            self._change.wait_for(self._is_due)
            if not self._queue and self._unread is None:
                return
        self._loading.wait()
        while (rows := self._next()) is not None:
            self._run.host.log(self._run, rows)

    def _is_due(self) -> bool:
        return bool(self._queue) or self._unread is not None or self._ending

    def _next(self) -> Rows | None:
        """Return the next rows, waiting for them; None at the end."""
        with self._change:
            self._change.wait_for(self._is_due)
            if self._queue:
                self._queued -= len(self._queue[0])
                return self._queue.popleft()
        return None if self._unread is None else self._read()

    def _read(self) -> Rows:
        """Return the next rows from the record's file, and use the queue again once nothing is left there."""
        data = self._next_lines()
        with self._change:
            assert self._unread is not None
            self._unread += len(data)
            if self._unread >= self._end or (not data and (self._ending or self._run.record is None)):
                self._unread = None
            elif not data:  # the disk is full, and the rows wait for room
                self._change.wait(PAUSE_SECONDS)
        return list(_parse(data))

    def _next_lines(self) -> bytes:
        record = self._run.record
        if record is None or self._unread is None:
            return b""
        try:
            with (record.path / METRICS).open("rb") as file:
                file.seek(self._unread)
                data = file.read(MOST_BYTES)
                return whole_lines(data) or data + file.readline()
        except OSError:
            return b""


def _parse(lines: bytes) -> Iterator[dict[str, Any]]:
    for line in lines.splitlines():
        with suppress(ValueError):  # the place in the file is off where lines were dropped for want of room
            yield json.loads(line)
