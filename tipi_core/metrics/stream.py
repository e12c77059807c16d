"""The stream of a run's metrics: a queue that the training loop fills and a thread that writes the record.

The queue is drained by time, every quarter of a second, so that a kill loses no more than that at any rate.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any
from weakref import WeakSet

from tipi_core.errors import StorageError
from tipi_core.metrics.console import Console, say
from tipi_core.metrics.trends import Trend
from tipi_core.metrics.values import PLAIN, Deferred, capture, fetch_deferred, resolve
from tipi_core.records.background import Background
from tipi_core.records.encoding import encode
from tipi_core.run import Frame, Run

DRAIN_SECONDS = 0.25
MOST_KEPT_BYTES = 64 * 2**20
Queued = tuple[int, float, Frame, tuple[Any, ...], dict[str, Any]]


class Entry(dict[str, Any]):
    """What a row holds besides metrics: files, a metric's definition, an alert."""


class MetricStream:
    """Takes metrics at the speed of an append and writes them in batches.

    Args:
        run: The run; its record is opened here.

    Attributes:
        rows: How many were written so far.
        console: Shows the latest metrics.
        trends: The course of each metric.
        goals: ``min`` or ``max`` for metrics of which the user said which end is good.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.rows = 0
        self.dropped = 0
        self.console = Console(run)
        self.trends: dict[str, Trend] = {}
        self.goals: dict[str, str] = {}
        self._queue: deque[Queued] = deque()
        self._put = self._queue.append
        self._uncommitted: dict[str, Any] = {}
        self._refused: set[str] = set()
        self._kept = b""
        self._warned = False
        self._encode: Callable[[Any], bytes] = encode
        self._backend: Any = None
        self._start, self._wall = time.monotonic(), time.time()
        self._guard = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        run.open_record()
        run.defer(self.close)
        if run.writes():
            run.sink = self.add
            _streams().add(self)
            self._loading = Background("tipi-loading", self._load)
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

    def note(self, **entries: Any) -> None:
        """Queue one row without metrics that holds ``entries``."""
        run = self.run
        frame = run.frame or run.make_frame()
        self._put((next(run.steps), time.monotonic(), frame, frame.note(), Entry(entries)))

    def flush(self) -> None:
        """Write everything queued so far; on a full disk keep it for the next time."""
        if os.getpid() != self.run.pid:
            return
        with self._guard:
            queued = [self._queue.popleft() for _ in range(len(self._queue))]
            fetch_deferred((row[4] for row in queued), self._fetch if self._backend else None, self._refuse)
            rows = [self._row(*row) for row in queued]
            if rows:
                self.rows += len(rows)
                self._show(rows)
            self._write(b"".join(self._line(row) for row in rows))
        if rows:
            self.console.show(rows[-1]["step"])
            self._loading.wait()
            self.run.host.log(self.run, rows)

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
        missing = self._kept.count(b"\n") + self.dropped
        if self.run.record is not None:
            lost = {"rows_lost": missing} if missing else {}
            metrics = {name: trend.facts(name, self.goals.get(name)) for name, trend in self.trends.items()}
            self.run.record.update(rows=self.rows, summary=dict(self.run.latest_metrics), metrics=metrics, **lost)
        self.console.sum_up(self.rows, self.trends)
        if missing:
            raise StorageError(f"{missing} of {self.rows} rows of metrics could not be written and are lost")

    def _load(self, _: Background) -> None:
        """Import what the training need not wait for; not on the writer's thread, where an import could meet a fork."""
        from msgspec.json import Encoder

        self._encode = Encoder().encode
        self.run.host  # noqa: B018 - loads the plugins

    def _prepare(self, values: dict[str, Any]) -> None:
        """Find what fetches from an accelerator, here and not on the thread: it may be the first to need a library."""
        if self._backend is None and any(type(value) is Deferred for value in values.values()):
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

    def _row(
        self, step: int, moment: float, frame: Frame, noted: tuple[Any, ...], values: dict[str, Any]
    ) -> dict[str, Any]:
        seconds = moment - self._start
        entries, values = (values, {}) if type(values) is Entry else ({}, values)
        return {
            "step": step,
            "time": round(seconds, 6),
            "wall": round(self._wall + seconds, 6),
            "loop": frame.read(noted),
            "values": resolve(values),
            **entries,
        }

    def _line(self, row: dict[str, Any]) -> bytes:
        try:
            return self._encode(row) + b"\n"
        except (TypeError, ValueError):  # half a character, or a bar that counts in numbers of its own
            return encode(row) + b"\n"

    def _show(self, rows: list[dict[str, Any]]) -> None:
        latest, trends = self.run.latest_metrics, self.trends
        for row in rows:
            for key, value in row["values"].items():
                if type(value) in (int, float):
                    latest[key] = value
                    if key not in trends:
                        trends[key] = Trend()
                    trends[key].add(value)

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
