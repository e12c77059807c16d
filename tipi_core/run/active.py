"""The stack of active runs: the pipelines that are running, and the implicit run of a script.

The first bar or log of a script makes an implicit run in memory; a pipeline opens one.
"""

from __future__ import annotations

import contextvars
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tipi_core.run.run import Run


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


def end_implicit_run(run: Run, state: str, error: BaseException | None = None) -> None:
    """Close a script's run and take it off the stack, so that the next bar or log begins a new one."""
    run.close(state, error)
    with _active.lock:
        if run in _active.stack:
            _active.stack.remove(run)


def end_cells_run(run: Run) -> None:
    """End the run of a notebook as its last cell ended."""
    if run.cell_error is None:
        end_implicit_run(run, "completed")
    else:
        interrupted = isinstance(run.cell_error, KeyboardInterrupt)
        end_implicit_run(run, "interrupted" if interrupted else "failed", run.cell_error)


def close_first_at_exit(run: Run) -> None:
    """When Python ends, close a script's run before what was registered for that moment until now."""
    import atexit

    atexit.register(_close_at_exit, run)


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
            if run in _active.stack:  # a script may have ended it with logger.finish()
                _active.stack.remove(run)


def _implicit_run() -> Run:
    from tipi_core.project.settings import find_root

    run = Run(_script_name(), root=find_root(Path.cwd()) or Path.cwd())
    close_first_at_exit(run)
    return run


def _close_at_exit(run: Run) -> None:
    error: BaseException | None = getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)
    if hasattr(sys, "ps1") or "IPython" in sys.modules:  # there an error of an earlier line is no verdict on the run
        end_cells_run(run)
    elif error is None:
        end_implicit_run(run, "completed")  # with which code, only what started Python knows
    else:
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
