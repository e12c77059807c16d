"""The stream of a run's metrics: a queue that the training loop fills and a thread that writes the record.

The queue is drained by time, every quarter of a second, so that a kill loses no more than that at any rate.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from itertools import groupby
from math import isfinite
from typing import Any
from weakref import WeakSet

from tipi_core.errors import StorageError
from tipi_core.metrics.console import Console, say
from tipi_core.metrics.observing import Observers
from tipi_core.metrics.saved import Saved
from tipi_core.metrics.trends import Trend
from tipi_core.metrics.values import PLAIN, Deferred, capture, fetch_deferred, resolve
from tipi_core.records.background import Background
from tipi_core.records.encoding import encode
from tipi_core.run import Frame, Run

DRAIN_SECONDS = 0.25
MOST_KEPT_BYTES = 64 * 2**20
MOST_WAITING = 64
LARGEST = sys.float_info.max
NUMBERS = frozenset({int, float})
TEXT = frozenset({str})
Queued = tuple[int, float, Frame, tuple[Any, ...], dict[str, Any]]


class Entry(dict[str, Any]):
    """What a row holds besides metrics: files, a metric's definition, an alert, entries of the summary."""


class MetricStream:
    """Takes metrics at the speed of an append and writes them in batches.

    Args:
        run: The run; its record is opened here.

    Attributes:
        rows: How many were written so far.
        console: Shows the latest metrics.
        trends: The course of each metric.
        goals: ``min`` or ``max`` for metrics of which the user said which end is good.
        summary: The last value of each metric as of :meth:`fresh_summary`, and what the user set.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.rows = 0
        self.dropped = 0
        self.console = Console(run)
        self.trends: dict[str, Trend] = {}
        self.goals: dict[str, str] = {}
        self.summary = Saved(self._save_summary)
        self._last: dict[str, Any] = {}  # logged since the user set it
        self._queue: deque[Queued] = deque()
        self._put = self._queue.append
        self._taken: list[Queued] = []  # out of the queue, and not yet in the run's latest metrics
        self._uncommitted: dict[str, Any] = {}
        self._refused: set[str] = set()
        self._kept = b""
        self._end = 0
        self._said: set[str] = set()
        self._encode_lines: Callable[[list[dict[str, Any]]], bytes] = _encode_lines
        self._backend: Any = None
        self._deferring = False
        self._start, self._wall = time.monotonic(), time.time()
        self._guard = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._observers: Observers | None = None
        run.open_record()
        run.defer(self.close)
        if run.writes():
            run.sink, run.waiting_metrics = self.add, self.waiting
            _streams().add(self)
            self._observers = Observers(run, Background("tipi-loading", self._load))
            self._thread = threading.Thread(target=self._drain, name="tipi-metrics", daemon=True)
            self._thread.start()

    def add(
        self,
        metrics: Mapping[str, Any],
        step: int | None = None,
        commit: bool | None = None,
        # bound here, because this runs in the training loop
        monotonic: Callable[[], float] = time.monotonic,
        are_plain: Callable[[Iterable[Any]], bool] = PLAIN.issuperset,
    ) -> None:
        """Queue one row; with ``commit=False`` hold the values for the next row."""
        run = self.run
        if type(metrics) is dict and are_plain(map(type, metrics.values())):
            values = metrics.copy()
        else:
            values = capture(metrics, self._refuse)
            self._prepare(values)
        if commit is False:
            self._uncommitted.update(values)
            return
        if self._uncommitted:
            values = {**self._uncommitted, **values}
            self._uncommitted = {}
        frame = run.frame or run.make_frame()
        number = next(run.steps) if step is None else run.next_step(step)
        self._put((number, monotonic(), frame, frame.note(), values))

    def note(self, counts: bool = True, **entries: Any) -> None:
        """Queue one row without metrics that holds ``entries``.

        Args:
            counts: Whether it takes a step, as a figure does; what only says something about other rows takes none.
            entries: What the row holds.
        """
        run = self.run
        frame = run.frame or run.make_frame()
        number = next(run.steps) if counts else run.step
        self._put((number, time.monotonic(), frame, frame.note(), Entry(entries)))

    def waiting(self) -> dict[str, float]:
        """Return the numbers of the last rows that wait for the writer; without waiting for anything."""
        values: dict[Any, Any] = {}
        with suppress(RuntimeError):  # rows came in while they were listed
            for row in [*self._taken, *self._queue][-MOST_WAITING:]:
                values.update(row[4].copy() if type(row[4]) is dict else {})
        return {str(key): value for key, value in values.items() if type(value) in NUMBERS}

    def fresh_summary(self) -> Saved:
        """Return :attr:`summary`, brought up to date."""
        self.flush()
        self.summary.take(self._last.copy())
        return self.summary

    def flush(self) -> None:
        """Write everything queued so far; on a full disk keep it for the next time."""
        if os.getpid() != self.run.pid or self._observers is None:
            return
        with self._guard:
            rows = self._take()
            lines = self._lines(rows)
            start, self._end = self._end, self._end + len(lines)
            self._write(lines)
            self._observers.put(rows, start, self._end)
            self.rows += len(rows)
        if rows:
            self.console.show(rows[-1]["step"])

    def close(self) -> None:
        """Write the rest and end the thread.

        Raises:
            StorageError: Rows could not be written, and are lost now.
        """
        self.run.sink = None
        self._stop.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
        if self._uncommitted:
            self.add({}, None, commit=True)
        self.flush()
        if self._observers is not None:
            self._observers.close()
        missing = self._kept.count(b"\n") + self.dropped
        if self.run.record is not None:
            lost = {"rows_lost": missing} if missing else {}
            metrics = {name: trend.facts(name, self.goals.get(name)) for name, trend in self.trends.items()}
            self.run.record.update(rows=self.rows, summary=dict(self.fresh_summary()), metrics=metrics, **lost)
        self.console.sum_up(self.rows, self.trends)
        if missing:
            raise StorageError(f"{missing} of {self.rows} rows of metrics could not be written and are lost")

    def _load(self, _: Background) -> None:
        """Import what the training need not wait for; not on the writer's thread, where an import could meet a fork."""
        from msgspec.json import Encoder

        self._encode_lines = Encoder().encode_lines
        self.run.host  # noqa: B018 - loads the plugins

    def _prepare(self, values: dict[str, Any]) -> None:
        """Find what fetches from an accelerator, here and not on the thread: it may be the first to need a library."""
        if not self._deferring and any(type(value) is Deferred for value in values.values()):
            self._deferring = True
            self._backend = self.run.host.create_device_backend(self.run)

    def _fetch(self, deferred: list[Deferred]) -> list[Any]:
        """Return the numbers of many tensors with one transfer for each device and type."""
        for value in deferred:
            if value.ready is not None:
                value.ready.synchronize()
        numbers = self._backend.fetch([value.tensor for value in deferred])
        return [value.number(fetched) for value, fetched in zip(deferred, numbers, strict=True)]

    def _drain(self) -> None:
        while not self._stop.wait(DRAIN_SECONDS):
            try:
                self.flush()
            except Exception as error:  # the thread must outlive whatever a row or an observer does
                self._warn(f"logger: {type(error).__name__}: {error}")

    def _take(self) -> list[dict[str, Any]]:
        """Take the rows out of the queue, and note their values."""
        queued = self._taken
        while self._queue:
            queued.append(self._queue.popleft())
        try:
            if self._deferring:
                fetch_deferred((row[4] for row in queued), self._fetch if self._backend else None, self._refuse)
            rows = self._rows(queued)
            if not self._show([row["values"] for row in rows]):
                _resolve(rows)
            return rows
        finally:
            self._taken = []

    def _rows(self, queued: list[Queued]) -> list[dict[str, Any]]:
        start, wall = self._start, self._wall
        rows = []
        for step, moment, frame, noted, values in queued:
            seconds = moment - start
            row = {
                "step": step,
                "time": round(seconds * 1e6) / 1e6,  # a third of what round(seconds, 6) takes
                "wall": round((wall + seconds) * 1e6) / 1e6,
                "loop": frame.read(noted),
                "values": values,
            }
            if type(values) is Entry:
                row |= {"values": {}, **values}
            rows.append(row)
        return rows

    def _lines(self, rows: list[dict[str, Any]]) -> bytes:
        """Return rows as the record has them; values that JSON has not are replaced in the rows too."""
        with suppress(TypeError, ValueError, OverflowError):  # half a character, a number of 100 digits
            lines = self._encode_lines(rows)
            if b"null" not in lines:  # the encoder's word for numbers that are not finite
                return lines
            _resolve(rows)
            return self._encode_lines(rows)
        _resolve(rows)
        return _encode_lines(rows)

    def _show(self, values: list[dict[str, Any]]) -> bool:
        """Take note of the values of some rows; return whether all keys are text.

        Rows with the same keys are taken column by column, which costs a third of value by value.
        """
        plain = True
        for keys, group in groupby(values, tuple):
            for key, column in zip(map(str, keys), zip(*[row.values() for row in group], strict=True), strict=True):
                if column[-1] is not None:
                    self._last[key] = column[-1]
                numbers = NUMBERS.issuperset(map(type, column))
                self._show_numbers(key, column if numbers else [value for value in column if type(value) in NUMBERS])
            plain = plain and TEXT.issuperset(map(type, keys))
        return plain

    def _show_numbers(self, key: str, numbers: Sequence[float]) -> None:
        if numbers:
            self.run.latest_metrics[key] = numbers[-1]
        if finite := _finite(numbers):
            self.trends.setdefault(key, Trend()).extend(finite)

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
        self._end -= cut
        return lines[cut:]

    def _warn(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            say(text)

    def _save_summary(self, given: dict[str, Any]) -> None:
        """Keep what the user set in the summary, in a row of its own; rows that were logged before come before it."""
        if self.run.writes():
            self.flush()
            for key in given:
                self._last.pop(key, None)
            self.note(counts=False, summary=json.loads(encode(given)))

    def _refuse(self, key: str, reason: str) -> None:
        if key not in self._refused:
            self._refused.add(key)
            say(f"logger.log: {key!r} is left out: {reason}")


def _finite(numbers: Sequence[float]) -> Sequence[float]:
    with suppress(OverflowError):
        if isfinite(sum(numbers)):
            return numbers
    return [number for number in numbers if -LARGEST <= number <= LARGEST]


def _resolve(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        row["values"] = resolve(row["values"])


def _encode_lines(rows: list[dict[str, Any]]) -> bytes:
    return b"".join(encode(row) + b"\n" for row in rows)


def _cut_off(streams: WeakSet[MetricStream]) -> None:
    for stream in list(streams):
        stream.run.sink = None  # the record is the parent's


@cache
def _streams() -> WeakSet[MetricStream]:
    """Return the streams of this process, which forked children stop to fill; made once for the hook into fork."""
    streams: WeakSet[MetricStream] = WeakSet()
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=lambda: _cut_off(streams))
    return streams
