"""The stream of a run's metrics: a queue that the training loop fills and a thread that writes the record.

The queue is drained by time, every quarter of a second, so that a kill loses no more than that at any rate.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Mapping
from typing import Any

import msgspec

from tipi_core.metrics.console import Console, say
from tipi_core.metrics.values import capture, resolve
from tipi_core.records.encoding import encode
from tipi_core.run import Run

DRAIN_SECONDS = 0.25
MOST_KEPT_BYTES = 64 * 2**20


class MetricStream:
    """Takes metrics at the speed of an append and writes them in batches.

    Args:
        run: The run; its record is opened here.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.rows = 0
        self.dropped = 0
        self.console = Console(run)
        self._queue: deque[tuple[int, float, list[tuple[str, float]], dict[str, Any]]] = deque()
        self._uncommitted: dict[str, Any] = {}
        self._refused: set[str] = set()
        self._kept = b""
        self._warned = False
        self._encode = msgspec.json.Encoder().encode
        self._start, self._wall = time.monotonic(), time.time()
        self._guard = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        run.open_record()
        run.defer(self.close)

    def add(self, metrics: Mapping[str, Any], step: int | None, commit: bool) -> None:
        """Queue one row; with ``commit=False`` hold the values for the next row."""
        values = capture(metrics, self._refuse)
        if not commit:
            self._uncommitted.update(values)
            return
        if self._uncommitted:
            values = {**self._uncommitted, **values}
            self._uncommitted = {}
        number = self.run.next_step(step)
        loops = [(loop.desc, loop.n) for loop in self.run.loops]
        self._queue.append((number, time.monotonic() - self._start, loops, values))
        if self._thread is None:
            self._begin()

    def flush(self) -> None:
        """Write everything queued so far; on a full disk keep it for the next time."""
        if os.getpid() != self.run.pid:
            return
        with self._guard:
            rows = [self._row(*self._queue.popleft()) for _ in range(len(self._queue))]
            if rows:
                self.rows += len(rows)
                self._show(rows)
            self._write(b"".join(self._line(row) for row in rows))
        if rows:
            self.console.show(rows[-1]["step"])
            self.run.host.log(self.run, rows)

    def close(self) -> None:
        """Write the rest and end the thread."""
        self._stop.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
        if self._uncommitted:
            self.add({}, None, commit=True)
        self.flush()
        if self.run.record is not None:
            lost = {"rows_lost": self._kept.count(b"\n") + self.dropped} if self._kept or self.dropped else {}
            self.run.record.update(rows=self.rows, summary=dict(self.run.latest_metrics), **lost)
        self.console.sum_up(self.rows)

    def _begin(self) -> None:
        self.run.host  # noqa: B018 - plugins are loaded here, not on the thread, where an import could meet a fork
        with self._guard:
            if self._thread is None:
                self._thread = threading.Thread(target=self._drain, name="tipi-metrics", daemon=True)
                self._thread.start()

    def _drain(self) -> None:
        while not self._stop.wait(DRAIN_SECONDS):
            try:
                self.flush()
            except Exception as error:  # the thread must outlive whatever a row or an observer does
                self._warn(f"logger: {type(error).__name__}: {error}")

    def _row(self, step: int, seconds: float, loops: list[tuple[str, float]], values: dict[str, Any]) -> dict[str, Any]:
        return {
            "step": step,
            "time": round(seconds, 6),
            "wall": round(self._wall + seconds, 6),
            "loop": loops,
            "values": resolve(values, self._refuse),
        }

    def _line(self, row: dict[str, Any]) -> bytes:
        try:
            return self._encode(row) + b"\n"
        except (TypeError, ValueError):  # half a character, or a bar that counts in numbers of its own
            return encode(row) + b"\n"

    def _show(self, rows: list[dict[str, Any]]) -> None:
        latest = self.run.latest_metrics
        for row in rows:
            for key, value in row["values"].items():
                if type(value) in (int, float):
                    latest[key] = value

    def _write(self, lines: bytes) -> None:
        record, lines = self.run.record, self._kept + lines
        if record is None or not lines:
            return
        try:
            record.append_metrics(lines)
            self._kept = b""
        except OSError as error:
            self._kept = self._bounded(lines)
            self._warn(f"metrics cannot be written now ({error.strerror}); they are kept and tried again")

    def _bounded(self, lines: bytes) -> bytes:
        """Return what fits into the bounded buffer: the newest whole lines."""
        if len(lines) <= MOST_KEPT_BYTES:
            return lines
        cut = lines.index(b"\n", len(lines) - MOST_KEPT_BYTES) + 1
        self.dropped += lines.count(b"\n", 0, cut)
        return lines[cut:]

    def _warn(self, text: str) -> None:
        if not self._warned:
            self._warned = True
            say(text)

    def _refuse(self, key: str, reason: str) -> None:
        if key not in self._refused:
            self._refused.add(key)
            say(f"logger.log: {key!r} is left out: {reason}")
