"""One run: its identity, step, record, plugins and clean-up, and the stack of active runs.

The first bar or log of a script makes an implicit run in memory; a pipeline opens one. The folder on disk appears
with the first call of :meth:`Run.open_record`.
"""

from __future__ import annotations

import contextlib
import contextvars
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from tipi_core.errors import RunInterrupted, StorageError

if TYPE_CHECKING:
    from tipi_core.components.process import Outcome
    from tipi_core.plugins import PluginHost
    from tipi_core.records import RunRecord

T = TypeVar("T")


class Loop(Protocol):
    """An open progress bar, as the metrics see it: its description and how many items it has handed out."""

    @property
    def desc(self) -> str:
        """Its description."""

    @property
    def n(self) -> float:
        """How many items it has handed out."""

    def gauge(self) -> Gauge:
        """Return how to read its position at every log call."""


class Gauge(NamedTuple):
    """How the position of one loop is read in two steps: in next to no time now, and its meaning later.

    Attributes:
        desc: The loop's description.
        start: Where its counting began.
        note: What is called at each log call.
        turn: Turns what ``note`` returned into items handed out before the one at hand; None takes it as it is.
    """

    desc: str
    start: float
    note: Callable[[], Any]
    turn: Callable[[Any], float] | None

    def read(self, noted: Any) -> tuple[str, float]:
        """Return description and position as they were when ``noted`` was."""
        return self.desc, self.start + (noted if self.turn is None else self.turn(noted))


class Frame:
    """The open loops, outermost first, as log calls use them.

    Attributes:
        gauges: One for each loop.
        note: Returns what each of them notes; written out for few loops, because each log call pays for it.
    """

    __slots__ = ("gauges", "note")

    def __init__(self, gauges: tuple[Gauge, ...]) -> None:
        self.gauges = gauges
        notes = [gauge.note for gauge in gauges]
        self.note: Callable[[], tuple[Any, ...]] = lambda: tuple([note() for note in notes])
        if not notes:
            self.note = tuple
        elif len(notes) == 1:
            (only,) = notes
            self.note = lambda: (only(),)
        elif len(notes) == 2:
            outer, inner = notes
            self.note = lambda: (outer(), inner())

    def read(self, noted: tuple[Any, ...]) -> list[tuple[str, float]]:
        """Return description and position of each loop as they were when ``noted`` was."""
        return [gauge.read(note) for gauge, note in zip(self.gauges, noted, strict=True)]


class CleanupStack:
    """Callbacks that are called in reverse order; one that fails stops no other."""

    def __init__(self) -> None:
        self._callbacks: list[tuple[str, Callable[[], Any]]] = []

    def push(self, label: str, callback: Callable[[], Any]) -> None:
        """Add a callback; ``label`` names it in notes about its failure."""
        self._callbacks.append((label, callback))

    def close(self) -> list[tuple[str, BaseException]]:
        """Call and forget all callbacks; return the failures with their labels, in order."""
        failures: list[tuple[str, BaseException]] = []
        while self._callbacks:
            label, callback = self._callbacks.pop()
            try:
                callback()
            except BaseException as error:
                failures.append((label, error))
        return failures


class Run:
    """What everything in one script or pipeline run shares.

    Args:
        name: The pipeline's or script's name; the record lies in ``runs/<name>/<id>/``.
        kind: ``"script"`` or ``"pipeline"``.
        root: The project's root, else the folder to keep the record in.
        seed: The seed of every random number generator, or None.
        host: The plugins; found and loaded at first use when not given.
        facts: More entries for ``run.json``.

    Attributes:
        id: UTC time and six random hexadecimal digits, unique on the machine.
        steps: Counts the log calls; ``next`` of it needs no lock.
        sink: Where ``logger.log`` puts a row, once something takes them.
        loops: The open bars, outermost first.
        frame: How log calls read them; None after a change.
        latest_metrics: The last value of every metric, for display.
        results: The outcome of each process so far, by name.
        preparing: True while a pipeline imports the user's modules and nothing is open yet.
        handles_signals: True while signals set :attr:`stop_signal` and bars must look at it.
        stop_signal: The signal that asked the run to stop, or None.

    Example:
        >>> run = Run("example")
        >>> run.next_step(), run.next_step()
        (0, 1)
    """

    def __init__(
        self,
        name: str,
        kind: str = "script",
        root: Path | None = None,
        *,
        seed: int | None = None,
        host: PluginHost | None = None,
        parent: Run | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        self.id = _new_id()
        self.name = name
        self.kind = kind
        self.root = root or Path.cwd()
        self.seed = seed
        self.parent = parent
        self.pid = os.getpid()
        self.facts = dict(facts or {})
        self.steps = count()
        self.sink: Callable[[Mapping[str, Any], int | None, bool | None], None] | None = None
        self.loops: list[Loop] = []
        self.frame: Frame | None = None
        self.latest_metrics: dict[str, float] = {}
        self.results: dict[str, Outcome] = {}
        self.preparing = False
        self.handles_signals = False
        self.stop_signal: int | None = None
        self.record: RunRecord | None = None
        self.state = "running"
        self._host = host
        self._no_record = False
        self._lock = threading.RLock()
        self._host_lock = threading.RLock()
        self._services: dict[Any, Any] = {}
        self._cleanup = CleanupStack()
        self._late_cleanup = CleanupStack()

    @property
    def host(self) -> PluginHost:
        """The plugins of this run."""
        with self._host_lock:  # another one: the training goes on while a thread loads plugins
            if self._host is None:
                from tipi_core.plugins import PluginHost

                self._host = self.parent.host if self.parent else PluginHost.load()
            return self._host

    @property
    def knows_plugins(self) -> bool:
        """True once :attr:`host` costs nothing."""
        return self._host is not None or (self.parent is not None and self.parent.knows_plugins)

    @property
    def stopping(self) -> bool:
        """True once a signal asked the run to stop."""
        return self.stop_signal is not None

    @property
    def step(self) -> int:
        """The number of the next log call."""
        return int(repr(self.steps)[6:-1])

    def next_step(self, given: int | None = None) -> int:
        """Return the number of this log call, counted from 0, or from behind the last one that was ``given``."""
        if given is None:
            return next(self.steps)
        with self._lock:
            if given >= self.step:
                self.steps = count(given + 1)
            return given

    def push_loop(self, loop: Loop) -> None:
        """Say that a bar opened inside the ones that are open."""
        self.loops.append(loop)
        self.frame = None

    def pop_loop(self, loop: Loop) -> None:
        """Say that a bar closed; one that is not open is no error."""
        for position in range(len(self.loops) - 1, -1, -1):
            if self.loops[position] is loop:
                del self.loops[position]
                self.frame = None
                return

    def make_frame(self) -> Frame:
        """Return the open loops as log calls use them, and keep them until one opens, closes or counts anew."""
        self.frame = frame = Frame(tuple(loop.gauge() for loop in self.loops))
        return frame

    def service(self, factory: Callable[[Run], T]) -> T:
        """Return the one ``factory(run)`` of this run, made at the first ask."""
        with self._lock:
            if factory not in self._services:
                self._services[factory] = factory(self)
            made: T = self._services[factory]
            return made

    def defer(self, callback: Callable[..., Any], *args: Any, late: bool = False) -> None:
        """Call ``callback(*args)`` when the run closes, in reverse order; a failing one stops no other.

        Args:
            callback: What to call.
            args: Its arguments.
            late: Call it after the record got its final state, for what follows the record.
        """
        stack = self._late_cleanup if late else self._cleanup
        stack.push(getattr(callback, "__qualname__", repr(callback)), lambda: callback(*args))

    def safe_point(self) -> None:
        """Stop here if a signal asked for it.

        Raises:
            RunInterrupted: A signal set the stop flag.
        """
        if self.stop_signal is not None:
            raise RunInterrupted(self.stop_signal)

    def open_record(self) -> RunRecord | None:
        """Return the record, making its folder at the first call; None where this process must not write one.

        Raises:
            StorageError: A pipeline's folder cannot be made. A script is warned once and goes on without.
        """
        with self._lock:
            if self.record is None and not self._no_record and not self.preparing and self.state == "running":
                self._no_record = not self.writes()
                if not self._no_record:
                    self.record = self._create_record()
            return self.record

    def writes(self) -> bool:
        """Return whether this process is the one that writes: rank 0, and no forked or spawned child."""
        return os.getpid() == self.pid and os.environ.get("RANK", "0") in ("", "0") and not is_spawned()

    def note_facts(self, **facts: Any) -> None:
        """Put entries into ``run.json``: at once if a record is open, else when one is."""
        self.facts.update(facts)
        if self.record is not None and os.getpid() == self.pid:
            with contextlib.suppress(StorageError):  # a full disk: the end of the run tries again
                self.record.update(**facts)

    def event(self, kind: str, **fields: Any) -> None:
        """Add an event to the record, if one is open."""
        if self.record is not None and os.getpid() == self.pid:
            self.record.event(kind, **fields)

    def close(self, state: str, error: BaseException | None = None, **facts: Any) -> None:
        """End the run: clean up in reverse order, give the record its final state, let go of what follows it.

        Args:
            state: ``completed``, ``failed`` or ``interrupted``.
            error: What ended it; failures of the clean-up are attached to it as notes.
            facts: More entries for ``run.json``, such as ``exit_code``.
        """
        if self.state != "running" or os.getpid() != self.pid:
            return
        self.note_failures(self._cleanup.close(), error)
        self.state = state
        if self.record is not None:
            if error is not None:
                facts["error"] = f"{type(error).__name__}: {error}"
            self.record.close(state, **facts)
        self.note_failures(self._late_cleanup.close(), error)

    def note_failures(self, failures: list[tuple[str, BaseException]], error: BaseException | None) -> None:
        """Attach what failed during clean-up to ``error``, and say it on stderr when there is none."""
        for label, failure in failures:
            note = f"clean-up of {label} failed too: {type(failure).__name__}: {failure}"
            self.event("cleanup_failed", label=label, error=f"{type(failure).__name__}: {failure}")
            if error is not None:
                error.add_note(note)
            else:
                print(f"tipi: {note}", file=sys.stderr)  # noqa: T201 - the last word of a run that otherwise succeeded

    def _create_record(self) -> RunRecord | None:
        from tipi_core.project.settings import runs_folder
        from tipi_core.records import RunRecord, SlowFacts, collect_facts

        try:
            facts = {**collect_facts(), "kind": self.kind, "seed": self.seed, **self.facts}
            record = RunRecord.create(runs_folder(self.root), self.name, self.id, facts)
            self._cleanup.push("collect_slow_facts", SlowFacts(record, self.root).wait)
            return record
        except StorageError as error:
            if self.kind == "pipeline":
                raise
            self._no_record = True
            print(f"tipi: no record of this run: {error}", file=sys.stderr)  # noqa: T201 - said once, the script goes on
            return None


class _Active:
    """The stack of active runs; a thread sees its own innermost run first, else the process's."""

    def __init__(self) -> None:
        self.stack: list[Run] = []
        self.lock = threading.RLock()
        self.mine: contextvars.ContextVar[Run | None] = contextvars.ContextVar("tipi_run", default=None)

    def top(self) -> Run | None:
        mine = self.mine.get()
        if mine is not None and mine.state == "running":
            return mine
        return self.stack[-1] if self.stack else None


_active = _Active()
find_mine = _active.mine.get  # for log calls: the run of this thread or task, which may be over, or None


def active_run() -> Run | None:
    """Return the innermost active run, or None."""
    return _active.top()


def current_run() -> Run:
    """Return the innermost active run; without one, make the implicit run of this script.

    Example:
        >>> current_run() is current_run()
        True
    """
    run = _active.mine.get()
    if run is not None and run.state == "running":
        return run
    if _active.stack:  # this function is on the path of each log call
        return _active.stack[-1]
    with _active.lock:
        run = _active.top()
        if run is None:
            run = _implicit_run()
            _active.stack.append(run)
            _active.mine.set(run)
    return run


def is_spawned() -> bool:
    """Return whether :mod:`multiprocessing` started this process, as a worker of another one."""
    process = sys.modules.get("multiprocessing.process")
    return process is not None and process.parent_process() is not None


def end_implicit_run(run: Run, state: str, error: BaseException | None = None) -> None:
    """Close a script's run and take it off the stack, so that the next bar or log begins a new one."""
    run.close(state, error)
    with _active.lock:
        if run in _active.stack:
            _active.stack.remove(run)


@contextmanager
def activate(run: Run) -> Iterator[Run]:
    """Make ``run`` the innermost active run while the block lasts."""
    with _active.lock:
        _active.stack.append(run)
    token = _active.mine.set(run)
    try:
        yield run
    finally:
        _active.mine.reset(token)
        with _active.lock:
            _active.stack.remove(run)


def _implicit_run() -> Run:
    import atexit

    from tipi_core.project.settings import find_root

    run = Run(_script_name(), root=find_root(Path.cwd()) or Path.cwd())
    atexit.register(_close_at_exit, run)
    return run


def _close_at_exit(run: Run) -> None:
    error: BaseException | None = getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)
    if hasattr(sys, "ps1") or "IPython" in sys.modules:
        error = None  # in a session, an error of an earlier line is no verdict on the run
    if error is None:
        end_implicit_run(run, "completed")  # with which code, only what started Python knows
        return
    interrupted = isinstance(error, KeyboardInterrupt)
    run.note_facts(exit_code=130 if interrupted else 1)
    end_implicit_run(run, "interrupted" if interrupted else "failed", error)


def _script_name() -> str:
    import re

    main = getattr(sys.modules.get("__main__"), "__file__", None)
    if "ipykernel" in sys.modules:
        return "notebook"
    stem = Path(main).stem if main else "python"
    return re.sub(r"[^A-Za-z0-9._-]", "-", stem).lstrip("._-")[:100] or "script"


def _new_id() -> str:
    import time

    return f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{os.urandom(3).hex()}"
