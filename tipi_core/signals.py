"""Signals: the first asks a run to stop at its next safe point, the second stops it at once.

Handlers are installed only while a pipeline runs in the main thread, and what was installed before is called too
and restored. An ignored signal stays ignored.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from tipi_core.errors import RunInterrupted
from tipi_core.run import Run

NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
GRACE_SECONDS = 20.0


@contextmanager
def handle_signals(run: Run) -> Iterator[None]:
    """Let signals stop ``run`` cleanly while the block lasts; outside the main thread, do nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handler = _Handler(run)
    handler.install()
    run.handles_signals = True
    try:
        yield
    finally:
        run.handles_signals = False
        handler.restore()


class _Handler:
    def __init__(self, run: Run) -> None:
        self.run = run
        self.before: dict[int, Any] = {}
        self.watchdog: threading.Timer | None = None

    def install(self) -> None:
        for name in NAMES:
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) not in (signal.SIG_IGN, None):
                self.before[number] = signal.signal(number, self)

    def restore(self) -> None:
        if self.watchdog is not None:
            self.watchdog.cancel()
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != self.run.pid:
            self._die(number)
        if self.run.stopping:
            raise RunInterrupted(number)
        self.run.stop_signal = number
        self._say(f"{signal.Signals(number).name}: stopping at the next step; once more stops at once")
        self.watchdog = threading.Timer(GRACE_SECONDS, self._end, (number,))
        self.watchdog.daemon = True
        self.watchdog.start()
        before = self.before[number]
        if callable(before) and before is not signal.default_int_handler:
            before(number, frame)

    def _end(self, number: int) -> None:
        """End the process: nothing reached a safe point in time; a clean-up that is under way may take longer."""
        if self.run.reached_safe_point:
            return
        self._say(f"no safe point in {GRACE_SECONDS:.0f} s: ending now")
        try:
            if self.run.record is not None:
                self.run.record.close(
                    "interrupted", error=f"signal {number}, and no safe point", exit_code=128 + number
                )
        finally:  # whatever the disk says, the process ends here
            os._exit(128 + number)

    def _die(self, number: int) -> None:
        """Let a forked child, such as a DataLoader worker, end as it would without us."""
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    def _say(self, text: str) -> None:
        stream = sys.stderr
        if stream is not None:
            stream.write(f"tipi: {text}\n")
