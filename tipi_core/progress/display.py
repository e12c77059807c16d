"""The open bars of the process, and the one thread that draws them.

The display is the only state of this package's modules: a lock, the open bars, and a thread that sleeps while no bar
is open and ends when none comes.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from time import time
from typing import TYPE_CHECKING, Any

from tipi_core.progress.board import Board
from tipi_core.progress.monitor import Monitor
from tipi_core.progress.streams import device_of

if TYPE_CHECKING:
    from tipi_core.progress.bar import progress_bar as ProgressBar  # noqa: N812 - it is a class
    from tipi_core.progress.sinks import Sink

FIRST_FRAME = 0.04  # seconds until a new display draws: bars shorter than that show only how they ended
LINGER = 1.0  # seconds that the thread waits for the next bar before it ends


class Display:
    """All open bars, in the order in which they stand on the screen.

    Attributes:
        lock: Held while anything is drawn, and across a fork.
        pid: The process that draws; a forked child draws nothing.
        board: What forked children know of the screen.
        monitor: What old scripts ask whether somebody watches over slow bars; None before the first bar.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.pid = os.getpid()
        self.board = Board()
        self.monitor: Monitor | None = None
        self._bars: list[weakref.ref[ProgressBar[Any]]] = []
        self._sinks: dict[Any, Sink] = {}
        self.failures: list[BaseException] = []
        self._wake = threading.Event()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self._prepared = False

    def at_home(self) -> bool:
        """Return False in a forked child."""
        return os.getpid() == self.pid

    def bars(self, sink: Sink | None = None) -> list[ProgressBar[Any]]:
        """Return the open bars, or those of one sink, from top to bottom."""
        alive = [bar for reference in self._bars if (bar := reference()) is not None and not bar.disable]
        return [bar for bar in alive if sink is None or bar.sink is sink]

    def open(self, bar: ProgressBar[Any]) -> None:
        """Begin to show a bar."""
        place = self._place_of(bar)  # asks the system, which lets other threads run: they may want the lock
        with self.lock:
            self._prepare()
            if self.monitor is None or not self.monitor.report():
                self.monitor = Monitor()
            bar.sink = None if place is None else self._sink_at(*place, bar)
            self._insert(bar)
            if bar.sink is None:
                return
            bar.sink.open(bar)
            if self._thread is None:
                self._begin_to_draw()
            if not self._wake.is_set():
                self._wake.set()

    def close(self, bar: ProgressBar[Any]) -> None:
        """Show how a bar ended and forget it; called once it counts as closed."""
        if not self.at_home():
            return
        with self.lock:
            self._bars = [reference for reference in self._bars if reference() is not None and reference() is not bar]
            sink, bar.sink = bar.sink, None
            if sink is not None:
                others = self._unfinished(sink)
                sink.close(bar, others, time())
                if not others:
                    self._sinks = {key: known for key, known in self._sinks.items() if known is not sink}
        self._report_failures()

    def _unfinished(self, sink: Sink) -> list[ProgressBar[Any]]:
        """Return the bars whose last line is still to come: open ones, and those that another thread is closing."""
        alive = [bar for reference in self._bars if (bar := reference()) is not None and bar.sink is sink]
        return [bar for bar in alive if not bar.disable or bar.is_closing()]

    def refresh(self, bar: ProgressBar[Any]) -> None:
        """Draw the bar's display now."""
        with self.lock:
            if bar.sink is not None and self.at_home() and bar.sink.urgent:
                bar.sink.tick(self.bars(bar.sink), time())

    @contextmanager
    def hidden(self, only: Sink | None = None) -> Iterator[None]:
        """Keep the bars off the screen while the block writes to it by itself."""
        with self.lock:
            sinks = [sink for sink in self._sinks.values() if only in (None, sink)] if self.at_home() else []
            for sink in sinks:
                sink.hide()
            try:
                yield
            finally:
                for sink in sinks:
                    if sink.urgent:
                        sink.tick(self.bars(sink), time())

    def free_position(self) -> int:
        """Return the lowest position that no open bar has."""
        taken = {abs(bar.pos) for bar in self.bars()} if self._bars else ()
        return next(position for position in range(len(taken) + 1) if position not in taken)

    def end(self) -> None:
        """Close what is still open and stop the thread; the process ends."""
        if not self.at_home():
            return
        for bar in reversed(self.bars()):
            bar.close()
        thread, self._thread = self._thread, None
        self._ending.set()
        self._wake.set()
        if thread is not None:
            thread.join(timeout=2)

    def _begin_to_draw(self) -> None:
        thread = threading.Thread(target=self._draw_frames, name="tipi-progress", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # Python ends, or the machine has no room for a thread: bars show how they ended
            return
        self._thread = thread

    def _draw_frames(self) -> None:
        """Run in the drawing thread: wait for a bar, then draw frames while bars are open."""
        while self._wake.wait(LINGER) or not self._may_end():
            self._wake.clear()
            pause = self._until_first_frame()
            while pause and not self._ending.wait(pause):
                pause = self._draw_frame()
            if self._ending.is_set():
                return

    def _until_first_frame(self) -> float:
        """Return what is left of the first pause: making the look may have taken all of it."""
        with self.lock:
            oldest = min((bar.opened_t for bar in self.bars()), default=time())
        return max(0.001, oldest + FIRST_FRAME - time())

    def _draw_frame(self) -> float:
        """Draw once; return the seconds until the next frame, 0 when no bar is open."""
        with self.lock:
            now = time()
            bars = self.bars()
            pauses = []
            for sink in list(self._sinks.values()):
                mine = [bar for bar in bars if bar.sink is sink]
                self._tick(sink, mine, now)
                pauses.append(max(sink.pause, min((bar.mininterval for bar in mine), default=0)))
        self._report_failures()
        return min(pauses, default=0.0) if bars else 0.0

    def _tick(self, sink: Sink, bars: list[ProgressBar[Any]], now: float) -> None:
        """Let a sink show its bars; one that raises shows them no more, and the thread goes on."""
        try:
            for bar in bars:
                bar.sample(now)
            sink.tick(bars, now)
        except Exception as error:
            self.failures.append(error)
            self._sinks = {key: known for key, known in self._sinks.items() if known is not sink}
            for bar in bars:
                bar.sink = None
            sink.give_back()

    def _report_failures(self) -> None:
        """Log what went wrong while drawing, without the lock: a logging handler may hold its own and wait for ours."""
        while self.failures:
            import logging

            error = self.failures.pop(0)
            logging.getLogger("tipi").warning("the progress look failed: %s", error, exc_info=error)

    def _may_end(self) -> bool:
        with self.lock:
            if self._wake.is_set() or self.bars():
                return False
            self._thread = None
            return True

    def _place_of(self, bar: ProgressBar[Any]) -> tuple[str, int | None] | None:
        """Return the style of a bar and the device it is shown on, if any; None for one that is not shown."""
        from tipi_core.progress import sinks

        if not self.at_home():
            return None
        if bar.shows_itself():
            return "own", None
        if bar.gui:
            return None  # a window is a subclass's business, as in tqdm
        style = sinks.choose_style(bar.fp, bar.run)
        if style == "off":
            return None
        return style, device_of(bar.fp) if style == "live" else None

    def _sink_at(self, style: str, device: int | None, bar: ProgressBar[Any]) -> Sink:
        from tipi_core.progress import sinks

        key = style if style == "own" else (style, device or id(bar.fp))
        if key not in self._sinks:
            self._sinks[key] = sinks.OwnSink() if style == "own" else sinks.make_sink(style, bar, self, device)
        return self._sinks[key]

    def _insert(self, bar: ProgressBar[Any]) -> None:
        """Put a bar below those inside the same parent, or where its explicit position says."""
        bars = self.bars()
        parent = self._parent_for(bar, bars) if bars else None
        at = 0
        if parent is not None:
            bar.parent_id, bar.depth = id(parent), parent.depth + 1
            at = next(place for place, known in enumerate(bars) if known is parent) + 1
        while at < len(bars) and bars[at].depth >= bar.depth:
            if bar.fixed and bars[at].fixed and bars[at].depth == bar.depth and abs(bars[at].pos) > abs(bar.pos):
                break
            at += 1
        self._bars = [weakref.ref(known) for known in bars]
        self._bars.insert(at, weakref.ref(bar))

    def _parent_for(self, bar: ProgressBar[Any], bars: list[ProgressBar[Any]]) -> ProgressBar[Any] | None:
        """Return the innermost bar that this thread has open, else the main thread's."""
        for thread in (bar.thread, threading.main_thread().ident):
            mine = [known for known in bars if known.thread == thread]
            if mine:
                last = mine[-1]
                beside = not last.looping and ((bar.fixed and last.fixed) or bar.stands_beside(last))
                return next((known for known in bars if id(known) == last.parent_id), None) if beside else last
        return None

    def _prepare(self) -> None:
        """Register what has to happen at exit and around a fork, once."""
        if self._prepared:
            return
        import atexit

        self._prepared = True
        atexit.register(self.end)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(before=self._before_fork, after_in_parent=self._after_fork, after_in_child=self._forget)

    def _before_fork(self) -> None:
        self.lock.acquire()
        if self._sinks:
            self.board.share()

    def _after_fork(self) -> None:
        self.lock.release()

    def _forget(self) -> None:
        """In a forked child: nothing is drawn here, and no lock or thread of the parent matters."""
        self.lock = threading.RLock()
        self._thread = None
        self._bars = []
        self._sinks = {}


display = Display()
