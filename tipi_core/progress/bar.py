"""The progress bar: tqdm's surface over counting in C and one drawing thread."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from time import time
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from tipi_core.progress.arguments import (
    byte_writer,
    claims_terminal,
    environment_defaults,
    total_of,
    unknown_keywords,
    writes_unicode,
)
from tipi_core.progress.awaiting import Awaitable
from tipi_core.progress.counting import Position, count_items, in_pieces, until_stopped
from tipi_core.progress.display import display
from tipi_core.progress.leaving import LoopSite, is_loop, loop_site, raised_in
from tipi_core.progress.rate import Average, Speed
from tipi_core.progress.smoke import smoke_limit
from tipi_core.progress.surface import Surface
from tipi_core.run import active_run, current_run

if TYPE_CHECKING:
    from typing import Unpack

    from tipi_core.progress.arguments import BarOptions
    from tipi_core.progress.renderer import BarState
    from tipi_core.progress.settings import DisplaySettings
    from tipi_core.progress.sinks import Sink
    from tipi_core.run import Run

T = TypeVar("T")


class progress_bar(Surface, Awaitable, Generic[T]):  # noqa: N801 - used like a function, as tqdm is
    """A progress bar around an iterable, or one that is updated by hand; a drop-in for ``tqdm``.

    The parameters are tqdm's, in tqdm's order. Iterating costs next to nothing: containers are counted in C and one
    thread of the process draws all bars. On a terminal the look is that of the progress plugin; ``bar_format``,
    ``ascii`` and ``ncols`` give tqdm's exact text; in a file there are sparse lines.

    Args:
        iterable: What to loop over; None for a bar that :meth:`update` moves.
        desc: What the bar is about.
        total: Items expected; by default ``len(iterable)`` where it has one.
        leave: Keep the last line on the screen; None keeps it for an outermost bar.
        file: Where to write; by default the stderr of the moment.
        ncols: Columns of the whole line.
        mininterval: Seconds between two frames at least.
        maxinterval: Kept for tqdm's sake.
        miniters: Items between two frames at least, for :meth:`update`.
        ascii: True for ASCII characters only, or the characters to fill with.
        disable: Show nothing; None shows nothing off a terminal.
        unit: The name of one item.
        unit_scale: Metric prefixes, or a factor.
        dynamic_ncols: Follow the terminal's width with tqdm's text too.
        smoothing: Weight of the newest speed, 0 for the average of the whole time.
        bar_format: tqdm's format of the line.
        initial: Where to start counting.
        position: The line of the bar among its siblings.
        postfix: Something more to show, for :meth:`set_postfix`.
        unit_divisor: The step between metric prefixes.
        write_bytes: Encode the text for a binary ``file``.
        lock_args: Arguments for the lock of :meth:`refresh`.
        nrows: Kept for tqdm's sake.
        colour: A colour's name or ``#rrggbb``.
        delay: Seconds until the bar appears.
        gui: Kept for tqdm's sake.
        kwargs: Nothing; unknown keywords raise.

    Raises:
        ProgressKeyError: An unknown keyword.

    Example:
        >>> [item for item in progress_bar("ab", disable=True)]
        ['a', 'b']
    """

    disable: bool = True
    sink: Sink | None = None
    depth = 0
    parent_id: int | None = None
    run: Run
    _position: Position | None = None
    _outcome = "closed"
    entered = False
    _left_open = False
    _limit: int | None = None

    if TYPE_CHECKING:
        # fmt: off
        @overload
        def __init__(
            self: progress_bar[Any], iterable: None = None, desc: str | None = None, total: float | None = None,
            leave: bool | None = True, **kwargs: Unpack[BarOptions],
        ) -> None: ...

        @overload
        def __init__(
            self, iterable: Iterable[T], desc: str | None = None, total: float | None = None,
            leave: bool | None = True, **kwargs: Unpack[BarOptions],
        ) -> None: ...
        # fmt: on

    # fmt: off
    @environment_defaults
    def __init__(
        self, iterable: Iterable[T] | None = None, desc: str | None = None, total: float | None = None,
        leave: bool | None = True, file: Any = None, ncols: int | None = None, mininterval: float = 0.1,
        maxinterval: float = 10.0, miniters: float | None = None,
        ascii: bool | str | None = None,  # noqa: A002 - tqdm's name
        disable: bool | None = False, unit: str = "it", unit_scale: bool | float = False, dynamic_ncols: bool = False,
        smoothing: float = 0.3, bar_format: str | None = None, initial: float = 0, position: int | None = None,
        postfix: Any = None, unit_divisor: float = 1000, write_bytes: bool = False,
        lock_args: tuple[Any, ...] | None = None, nrows: int | None = None, colour: str | None = None,
        delay: float = 0.0, gui: bool = False, **kwargs: Any,
    ) -> None:
        # fmt: on
        self.iterable = iterable
        self.n, self.total, self.leave = initial, total_of(iterable, total), leave
        file = sys.stderr if file is None else file
        self.disable = bool(disable) or (disable is None and not claims_terminal(file))
        if self.disable:
            self.pos = display.free_position()
            self._limit = smoke_limit(active_run())
            return
        if kwargs:
            self.disable = True
            raise unknown_keywords(kwargs)
        self.fp = byte_writer(file) if write_bytes else file
        self._explicit = bool(bar_format or ncols is not None or ascii is not None)
        self.desc, self.unit, self.unit_scale, self.unit_divisor = desc or "", unit, unit_scale, unit_divisor
        self.bar_format, self.colour, self.initial, self.postfix = bar_format, colour, initial, None
        self.ncols, self.nrows, self.dynamic_ncols = ncols, nrows, dynamic_ncols
        self.ascii = not writes_unicode(file) if ascii is None else ascii
        self.mininterval, self.maxinterval, self.miniters = mininterval or 0, maxinterval or 0, miniters or 0
        self.dynamic_miniters, self.smoothing = miniters is None, smoothing or 0
        self.lock_args, self.delay, self.gui = lock_args, delay, gui
        self._measure()
        if postfix:
            self._start_postfix(postfix)
        self.fixed = position is not None
        self._open(-position if position is not None else None)

    def _open(self, pos: int | None) -> None:
        self.run = current_run()
        self._limit_to_smoke()
        self.thread = threading.get_ident()
        self.last_print_n = self._count
        self.opened_t = self.start_t = self.last_print_t = self._time()
        self._speed, self._pace = Speed(self.smoothing, self._count, self.start_t), Average(self.smoothing)
        self._due = not self.mininterval
        self.pos = display.free_position() if pos is None else pos
        if self.bar_format:
            str(self)  # a wrong format raises here, not in the drawing thread
        self._first_row = repr(self.run.steps)
        self.run.push_loop(self._loop())
        self._left_open = True
        display.open(self)
        self.start_t = self.last_print_t = self._speed.last_time = self._time()  # making the look took time

    def _limit_to_smoke(self) -> None:
        """Remember how many items a trial run wants, and show that number as the total."""
        self._limit = smoke_limit(self.run)
        if self._limit is not None and self.iterable is not None and self.total is not None:
            self.total = min(self.total, self._count + self._limit)

    @property
    def n(self) -> float:
        """How many items are done; in a loop's body, without the one at hand."""
        position = self._position
        return self._count if position is None else self._count + position(False)

    @n.setter
    def n(self, value: float) -> None:
        position = self._position
        self._count = value if position is None else value - position(False)
        self._forget_frame()

    def __iter__(self) -> Iterator[T]:
        run = active_run() if self.disable else self.run
        return chain.from_iterable(self._loop_in_c(run, loop_site()))

    def _loop_in_c(self, run: Run | None, site: LoopSite | None) -> Iterator[Iterable[T]]:
        """Yield one iterator that runs in C; being closed or asked again says how its loop ended."""
        source: Any = self.iterable if self._limit is None else islice(self.iterable, self._limit)
        if run is not None and run.handles_signals:
            source = until_stopped(source, run)
        if self.disable:
            yield source
            return
        start, exhausted = self._count, False
        items, position = count_items(source)
        self._position = position
        self._forget_frame()
        try:
            yield from (items,) if is_loop(site) else in_pieces(items)
            exhausted = True
        finally:
            self._position = None
            self._count = start + position(exhausted)
            if self._left_open:
                failed = not exhausted and self.run.stop_signal is None and raised_in(site)
                self._end("finished" if exhausted else "failed" if failed else "stopped")

    def _end(self, outcome: str) -> None:
        self._outcome = outcome
        self.close()

    def update(self, n: float | None = 1) -> bool | None:
        """Count ``n`` more items; return True when this showed the new state.

        Args:
            n: How many; negative ones count back.
        """
        if self.disable:
            return None
        self._count += n  # type: ignore[operator]  # None raises here, as in tqdm
        if self.run.stop_signal is not None and self.thread == threading.get_ident():
            self.run.safe_point()
        return self._show(n) if self._due else None  # type: ignore[arg-type]

    def _show(self, n: float) -> bool | None:
        if n < 0:
            self.last_print_n += n
        now, at = self._time(), self.n
        if at - self.last_print_n < self.miniters or now < self.start_t + self.delay:
            return None
        self._due = not self.mininterval
        if self.dynamic_miniters:
            self._adapt(at - self.last_print_n, now - self.last_print_t)
        self.last_print_n, self.last_print_t = at, now
        if self._due:
            self.sample(now)
            self.refresh(lock_args=self.lock_args)
        return True

    def _adapt(self, items: float, seconds: float) -> None:
        """Let ``miniters`` follow how many items come between two frames, as tqdm does."""
        if self.maxinterval and seconds >= self.maxinterval:
            self.miniters = items * (self.mininterval or self.maxinterval) / seconds
        elif self.smoothing:
            share = self.mininterval / seconds if self.mininterval and seconds else 1
            self.miniters = self._pace.add(items * share)
        else:
            self.miniters = max(self.miniters, items)

    def sample(self, now: float) -> None:
        """Take note of the position for the recent speed; called by the drawing thread."""
        if now - self.last_print_t >= self.mininterval:
            self._due = True
        if self.looping and self.dynamic_miniters and now > self._speed.last_time:
            self._adapt(self.n - self._speed.last_n, now - self._speed.last_time)
        self._speed.sample(self.n, now)

    def close(self) -> None:
        """Show the final state and forget the bar; a second call does nothing."""
        if self.disable or not self._left_open:
            return
        self._left_open = False
        self.disable = True
        self.run.pop_loop(self._place)
        display.close(self)

    def is_closing(self) -> bool:
        """Return whether the bar is closed and waits for its last line to be shown."""
        return not self._left_open and self.sink is not None

    def remains(self) -> bool:
        """Return whether the last line stays: it is wanted, and the bar was shown at all."""
        shown = not self.delay or self._time() >= self.start_t + self.delay
        return shown and (self.pos == 0 if self.leave is None else bool(self.leave))

    def shows_itself(self) -> bool:
        """Return whether the class brings its own ``display``."""
        return type(self).display is not Surface.display

    def state(self, now: float) -> BarState:
        """Return what a renderer has to know; called with the display's lock held."""
        from tipi_core.progress.states import state_of

        return state_of(self, now)

    def logged_metrics(self) -> Mapping[str, float]:
        """Return the run's latest metrics; none where nothing was logged since the bar opened: they are not its own."""
        return {} if repr(self.run.steps) == self._first_row else self.run.fresh_metrics()

    def outcome(self) -> str:
        """Return ``running``, or how the bar ended."""
        if not self.disable:
            return "running"
        if self._outcome == "closed":
            return "finished" if self.total is None or self.n >= self.total else "stopped"
        return self._outcome

    @property
    def looping(self) -> bool:
        """Whether a loop over the bar is under way."""
        return self._position is not None

    @property
    def settings(self) -> DisplaySettings:
        """How the bars of this run are shown."""
        from tipi_core.progress.settings import settings_of

        return settings_of(self.run)

    def unpause(self) -> None:
        """Leave the time since the last update out of the elapsed time."""
        if not self.disable:
            now = self._time()
            self.start_t += now - self.last_print_t
            self.last_print_t = now

    def reset(self, total: float | None = None) -> None:
        """Start again from 0, with another total if given."""
        self.n = 0
        if total is not None:
            self.total = None if total == float("inf") else total
        if self.disable:
            return
        self.last_print_n = 0
        self.last_print_t = self.start_t = self._time()
        self._speed = Speed(self.smoothing, 0, self.start_t)
        self.refresh()

    def stands_beside(self, other: progress_bar[Any]) -> bool:
        """Return whether this bar, opened last, is no part of what an ``other`` one that does not loop is about."""
        return not other.entered and (self.iterable is None or other.iterable is not None)

    def __enter__(self) -> progress_bar[T]:
        self.entered = True
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        clean = kind is None or self.disable or self.run.stop_signal is not None
        self._end("closed" if clean else "failed")

    def __del__(self) -> None:
        if self._left_open:
            self.close()

    _time = staticmethod(time)


def trange(*args: int, **kwargs: Any) -> progress_bar[int]:
    """Return ``progress_bar(range(*args), **kwargs)``.

    Example:
        >>> list(trange(3, disable=True))
        [0, 1, 2]
    """
    return progress_bar(range(*args), **kwargs)
