"""One run: its identity, step, record, plugins, services and clean-up.

The folder on disk appears with the first call of :meth:`Run.open_record`.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tipi_core.errors import RunInterrupted, StorageError, TipiError
from tipi_core.run.cleanup import CleanupStack
from tipi_core.run.loops import Frame, Loop

if TYPE_CHECKING:
    from tipi_core.components.process import Outcome
    from tipi_core.plugins import PluginHost
    from tipi_core.records import RunRecord

T = TypeVar("T")


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
        latest_metrics: The last number of every metric that was written.
        waiting_metrics: Returns the numbers that wait to be written, once something takes rows.
        results: The outcome of each process so far, by name.
        secrets: Texts that are masked wherever the record would hold them.
        preparing: True while a pipeline imports the user's modules and nothing is open yet.
        handles_signals: True while signals set :attr:`stop_signal` and bars must look at it.
        stop_signal: The signal that asked the run to stop, or None.
        cell_error: What ended the last cell of a notebook that logged; None where it went well.
        reached_safe_point: True once a safe point obeyed it and the clean-up is under way.

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
        self.waiting_metrics: Callable[[], dict[str, float]] = dict
        self.results: dict[str, Outcome] = {}
        self.secrets = set[str]()
        self.preparing = False
        self.handles_signals = False
        self.stop_signal: int | None = None
        self.cell_error: BaseException | None = None
        self.reached_safe_point = False
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

                self._host = self.parent.host if self.parent else PluginHost.load(block=self._blocked())
            return self._host

    def _blocked(self) -> list[str]:
        """Return the plugins that the project around the run blocks; a file with mistakes blocks none."""
        from tipi_core.project.settings import is_root, open_project

        try:
            return open_project(self.root).blocked if is_root(self.root) else []
        except TipiError:
            return []

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

    def fresh_metrics(self) -> dict[str, float]:
        """Return the last number of every metric, for display."""
        return {**self.latest_metrics, **self.waiting_metrics()}

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
            self.reached_safe_point = True
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

        Raises:
            StorageError: A pipeline went well, but its metrics or its final state could not be written.
        """
        if self.state != "running" or os.getpid() != self.pid:
            return
        failures = self._cleanup.close()
        unsaved = next((failure for _, failure in failures if isinstance(failure, StorageError)), None)
        spoiled = unsaved is not None and error is None and self.kind == "pipeline"
        if spoiled:
            state, error, facts["exit_code"] = "failed", unsaved, StorageError.exit_code
        self.note_failures([pair for pair in failures if pair[1] is not error], error)
        self.state = state
        unwritten = self._close_record(state, error, facts)
        self.note_failures(self._late_cleanup.close(), error)
        if unwritten is not None and error is None and self.kind == "pipeline":
            raise unwritten
        if unwritten is not None:
            self.note_failures([("the record", unwritten)], error)
        if spoiled and error is not None:
            raise error

    def _close_record(self, state: str, error: BaseException | None, facts: dict[str, Any]) -> StorageError | None:
        """Give the record its final state; return what kept it from being written."""
        if self.record is None:
            return None
        if error is not None:
            facts["error"] = f"{type(error).__name__}: {error}"
        try:
            self.record.close(state, **facts)
        except StorageError as unsaved:
            return unsaved
        return None

    def note_failures(self, failures: list[tuple[str, BaseException]], error: BaseException | None) -> None:
        """Attach what failed during clean-up to ``error``, and say it on stderr when there is none."""
        for label, failure in failures:
            note = f"clean-up of {label} failed: {type(failure).__name__}: {failure}"
            self.event("cleanup_failed", label=label, error=f"{type(failure).__name__}: {failure}")
            if error is not None:
                error.add_note(note)
            else:
                print(f"tipi: {note}", file=sys.stderr)  # noqa: T201 - the last word of a run that otherwise succeeded

    def _create_record(self) -> RunRecord | None:
        from tipi_core.config.secrets import command_secrets, environment_secrets
        from tipi_core.project.settings import runs_folder
        from tipi_core.records import RunRecord, SlowFacts, collect_facts

        try:
            facts = {**collect_facts(), "kind": self.kind, "seed": self.seed, **self.facts}
            self.secrets |= environment_secrets(os.environ) | command_secrets(getattr(sys, "orig_argv", sys.argv))
            record = RunRecord.create(runs_folder(self.root), self.name, self.id, facts, self.secrets)
            self._cleanup.push("collect_slow_facts", SlowFacts(record, self.root).wait)
            return record
        except StorageError as error:
            if self.kind == "pipeline":
                raise
            self._no_record = True
            print(f"tipi: no record of this run: {error}", file=sys.stderr)  # noqa: T201 - said once, the script goes on
            return None


def is_spawned() -> bool:
    """Return whether :mod:`multiprocessing` started this process, as a worker of another one."""
    process = sys.modules.get("multiprocessing.process")
    return process is not None and process.parent_process() is not None


def _new_id() -> str:
    import time

    return f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{os.urandom(3).hex()}"
