"""The parts of tqdm's surface that only describe, show or print."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from time import time
from typing import TYPE_CHECKING, Any

from tipi_core.progress.display import display
from tipi_core.progress.place import MonitorOf, OpenBars, Place
from tipi_core.progress.wrapping import flush

if TYPE_CHECKING:
    from tipi_core.progress.counting import Position
    from tipi_core.progress.rate import Speed
    from tipi_core.progress.sinks import Sink
    from tipi_core.run import Run


class Surface:
    """Descriptions, text, comparisons and class methods of a bar."""

    monitor_interval = 10
    monitor: Any = MonitorOf()
    _instances = OpenBars()
    iterable: Any
    n: float
    total: float | None
    _desc: str
    _count: float
    _position: Position | None
    postfix: Any
    disable: bool
    pos: int
    fp: Any
    ncols: int | None
    nrows: int | None
    sink: Sink | None
    run: Run
    start_t: float
    unit: str
    _lock: Any
    _explicit: bool
    _message: str | None = None
    _speed: Speed
    _place: Place

    @property
    def desc(self) -> str:
        """The description, with the colon that :meth:`set_description` adds."""
        return self._desc

    @desc.setter
    def desc(self, text: str) -> None:
        self._desc = text
        self._forget_frame()

    def _forget_frame(self) -> None:
        """Let the next ``logger.log`` look anew at what this bar is about and how it counts."""
        run = self.__dict__.get("run")
        if run is not None:
            run.frame = None

    # Text.

    @staticmethod
    def format_sizeof(num: float, suffix: str = "", divisor: float = 1000) -> str:
        """Return a number with three digits and a metric prefix."""
        from tipi_core.progress.meter import format_sizeof

        return format_sizeof(num, suffix, divisor)

    @staticmethod
    def format_interval(t: float) -> str:
        """Return seconds as ``[H:]MM:SS``."""
        from tipi_core.progress.meter import format_interval

        return format_interval(t)

    @staticmethod
    def format_num(n: Any) -> str:
        """Return a number with three significant digits where that is shorter."""
        from tipi_core.progress.meter import format_num

        return format_num(n)

    @staticmethod
    def format_meter(*args: Any, **kwargs: Any) -> str:
        """Return tqdm's text for the given numbers; the parameters are tqdm's."""
        from tipi_core.progress.meter import format_meter

        return format_meter(*args, **kwargs)

    @property
    def format_dict(self) -> Mapping[str, Any]:
        """The fields of the text, as in tqdm; a subclass may add some for its ``bar_format``."""
        if self.disable and not hasattr(self, "unit"):
            return defaultdict(lambda: None, {"n": self.n, "total": self.total, "elapsed": 0, "unit": "it"})
        bar: Any = self
        if bar.dynamic_ncols:
            self._measure()
        elapsed = max(0.0, bar._time() - self.start_t)
        return {
            "n": self.n,
            "total": self.total,
            "elapsed": elapsed,
            "ncols": self.ncols,
            "nrows": self.nrows,
            "prefix": self.desc,
            "ascii": bar.ascii,
            "unit": self.unit,
            "unit_scale": bar.unit_scale,
            "rate": None if self.disable else self._speed.rate,
            "bar_format": bar.bar_format,
            "postfix": self.postfix,
            "unit_divisor": bar.unit_divisor,
            "initial": bar.initial,
            "colour": bar.colour,
        }

    def __str__(self) -> str:
        return self.format_meter(**self.format_dict)

    def rate_at(self, elapsed: float) -> float | None:
        """Return items a second: lately while the bar runs, over all its time afterwards."""
        recent = None if self.disable else self._speed.rate_at(self.start_t + elapsed)
        bar: Any = self
        return recent if recent is not None else (self.n - bar.initial) / elapsed if elapsed else None

    @property
    def asks_for_text(self) -> bool:
        """Whether tqdm's exact text was asked for."""
        return self._explicit

    @property
    def message(self) -> str | None:
        """What :meth:`display` was asked to show in the bar's place."""
        return self._message

    def _measure(self) -> None:
        """Take the terminal's size for tqdm's text, where the size was left open."""
        bar: Any = self
        if not (bar.dynamic_ncols or (None in (self.ncols, self.nrows) and self.fp in (sys.stderr, sys.stdout))):
            return
        import os

        try:
            columns, rows = os.get_terminal_size(self.fp.fileno())
        except (OSError, ValueError, AttributeError, TypeError):
            columns = rows = 0
        if bar.dynamic_ncols or self.ncols is None:
            self.ncols = columns - 1 if columns else None
        if bar.dynamic_ncols or self.nrows is None:
            self.nrows = rows - 1 if rows else None

    def set_description(self, desc: str | None = None, refresh: bool | None = True) -> None:
        """Change the description; a colon is put behind it."""
        self.set_description_str(f"{desc}: " if desc else "", refresh)

    def set_description_str(self, desc: str | None = None, refresh: bool | None = True) -> None:
        """Change the description, as it is."""
        self.desc = desc or ""
        self._changed(refresh)

    def set_postfix(self, ordered_dict: Any = None, refresh: bool | None = True, **kwargs: Any) -> None:
        """Change what stands behind the bar: ``name=value`` for each, keywords sorted."""
        from tipi_core.progress.meter import format_num

        values = {**dict(ordered_dict or {}), **{name: kwargs[name] for name in sorted(kwargs)}}
        texts = {name: format_num(value) if _is_number(value) else str(value) for name, value in values.items()}
        self.postfix = ", ".join(f"{name}={text.strip()}" for name, text in texts.items())
        self._changed(refresh)

    def set_postfix_str(self, s: Any = "", refresh: bool | None = True) -> None:
        """Change what stands behind the bar, as it is."""
        self.postfix = str(s)
        self._changed(refresh)

    def _start_postfix(self, postfix: Any) -> None:
        try:
            self.set_postfix(refresh=False, **postfix)
        except TypeError:
            self.postfix = postfix

    def _changed(self, refresh: bool | None) -> None:
        """Show a change: the next frame does, unless the class shows itself."""
        if refresh and type(self).refresh is not Surface.refresh:
            self.refresh()

    # Drawing.

    def refresh(self, nolock: bool = False, lock_args: tuple[Any, ...] | None = None) -> bool | None:
        """Draw a frame now; off a terminal the next line comes when it is due."""
        if self.disable:
            return None
        if lock_args and not nolock:
            if not self.get_lock().acquire(*lock_args):
                return False
            self.get_lock().release()
        display.refresh(self)  # type: ignore[arg-type]
        return True

    def display(self, msg: str | None = None, pos: int | None = None) -> bool | None:  # noqa: ARG002
        """Draw a frame, with ``msg`` in the bar's place; a subclass that overrides this shows its bars by itself."""
        self._message = msg
        display.refresh(self)  # type: ignore[arg-type]
        self._message = None
        return True

    def moveto(self, n: int) -> None:
        """Move the cursor ``n`` lines down, for a subclass that draws by itself."""
        self.fp.write("\n" * n + "\x1b[A" * -n)
        flush(self.fp)

    @staticmethod
    def status_printer(file: Any) -> Callable[[str], None]:
        """Return what replaces the last line on ``file``, for a subclass that draws by itself."""
        from tipi_core.progress.wrapping import line_printer

        return line_printer(file)

    @cached_property
    def sp(self) -> Callable[[str], None]:
        """What replaces the last line on the bar's file."""
        return self.status_printer(self.fp)

    def clear(self, nolock: bool = False) -> None:  # noqa: ARG002
        """Take the bar off the screen until the next frame."""
        if not self.disable and self.sink is not None:
            with display.lock:
                self.sink.hide()

    @classmethod
    def write(cls, s: str, file: Any = None, end: str = "\n", nolock: bool = False) -> None:  # noqa: ARG003
        """Print above the bars, to stdout unless ``file`` says else; a terminal gets control characters spelled out."""
        from tipi_core.progress.streams import is_terminal
        from tipi_core.progress.text import harmless

        target = sys.stdout if file is None else file
        if target is None:
            return
        target.write(harmless(s, keep="\n\t") + end if is_terminal(target) else s + end)

    @classmethod
    @contextmanager
    def external_write_mode(cls, file: Any = None, nolock: bool = False) -> Iterator[None]:  # noqa: ARG003
        """Keep the bars off the screen while the block writes to a stream by itself."""
        with display.hidden():
            yield

    @classmethod
    def get_lock(cls) -> Any:
        """Return the lock that is held while bars are drawn."""
        if not hasattr(cls, "_lock"):
            from tipi_core.progress.locking import SharedLock

            cls._lock = SharedLock()
        return cls._lock

    @classmethod
    def set_lock(cls, lock: Any) -> None:
        """Keep a lock for :meth:`get_lock`, as libraries that share one between processes do."""
        cls._lock = lock

    @classmethod
    def pandas(cls, **tqdm_kwargs: Any) -> None:
        """Give data frames, series and groups ``progress_apply`` and its siblings."""
        from tipi_core.progress.frames import register_frames

        register_frames(cls, tqdm_kwargs)

    @classmethod
    @contextmanager
    def wrapattr(
        cls,
        stream: Any,
        method: str,
        total: float | None = None,
        bytes: bool = True,  # noqa: A002 - tqdm's name
        **tqdm_kwargs: Any,
    ) -> Iterator[Any]:
        """Yield ``stream`` with a bar that counts what its ``read`` or ``write`` moves."""
        from tipi_core.progress.wrapping import wrap_method

        made: Any = cls
        with made(total=total, **tqdm_kwargs) as bar:
            if bytes:
                bar.unit, bar.unit_scale, bar.unit_divisor = "B", True, 1024
            yield wrap_method(bar.update, stream, method)

    # What an iterable has.

    def __len__(self) -> int:
        source = self.iterable
        if source is None:
            return self.total  # type: ignore[return-value]  # None raises TypeError, as in tqdm
        if hasattr(source, "shape"):
            return int(source.shape[0])
        if hasattr(source, "__len__"):
            return len(source)
        hint = getattr(source, "__length_hint__", None)
        return hint() if hint else self.total  # type: ignore[return-value]

    def __bool__(self) -> bool:
        if self.total is not None:
            return self.total > 0
        if self.iterable is None:
            raise TypeError("bool() undefined when iterable == total == None")
        return bool(self.iterable)

    def __contains__(self, item: Any) -> bool:
        contains = getattr(self.iterable, "__contains__", None)
        return bool(contains(item)) if contains is not None else item in iter(self)  # type: ignore[call-overload]

    def __reversed__(self) -> Iterator[Any]:
        source = self.iterable
        try:
            self.iterable = reversed(source)
            turned: Iterator[Any] = iter(self)  # type: ignore[call-overload]
            return turned
        finally:
            self.iterable = source

    # Bars compare by their position.

    @property
    def _comparable(self) -> int:
        position: int = getattr(self, "pos", 1 << 31)
        return abs(position)

    def __lt__(self, other: Any) -> bool:
        return bool(self._comparable < other._comparable)

    def __le__(self, other: Any) -> bool:
        return bool(self._comparable <= other._comparable)

    def __gt__(self, other: Any) -> bool:
        return bool(self._comparable > other._comparable)

    def __ge__(self, other: Any) -> bool:
        return bool(self._comparable >= other._comparable)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Surface) and self._comparable == other._comparable

    def __hash__(self) -> int:
        return id(self)

    def _loop(self) -> Place:
        self._place = Place(self)
        return self._place

    _time = staticmethod(time)


def _is_number(value: Any) -> bool:
    if isinstance(value, (int, float)):
        return True
    from numbers import Number

    return isinstance(value, Number)
