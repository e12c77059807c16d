"""Work beside the training: on a thread, and never in the middle of something when the process forks."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from functools import cache
from weakref import WeakSet

FORK_SECONDS = 5.0
PAUSE_SECONDS = 0.05


class Background:
    """One piece of work on a thread of its own.

    A fork waits for it, a few seconds at most: a child that was made while it imports a module would inherit the
    module's lock, held by nobody. The work begins a moment later, so that the caller's next lines come first, or as
    soon as somebody waits for it.

    Args:
        name: The thread's name.
        work: What to do, called with this object; it handles its own errors.

    Example:
        >>> done = []
        >>> Background("example", lambda _: done.append(1)).wait()
        >>> done
        [1]
    """

    def __init__(self, name: str, work: Callable[[Background], None]) -> None:
        self._work = work
        self._hurry = threading.Event()
        self._over = threading.Event()
        self._settled = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        _all().add(self)
        self._thread.start()

    def wait(self, seconds: float | None = None) -> None:
        """Wait until the work is done, not longer than ``seconds``."""
        self._hurry.set()
        if self._thread is not threading.current_thread():
            self._over.wait(seconds)

    def settle(self) -> None:
        """Say that everything is imported: from now on forks need not wait."""
        self._settled.set()
        _all().discard(self)

    def wait_settled(self) -> None:
        """Wait for :meth:`settle`, a few seconds at most; called before a fork."""
        self._hurry.set()
        if self._thread is not threading.current_thread():
            self._settled.wait(FORK_SECONDS)

    def _run(self) -> None:
        self._hurry.wait(PAUSE_SECONDS)
        try:
            self._work(self)
        finally:
            self._over.set()
            self.settle()


def _wait_for(at_work: WeakSet[Background]) -> None:
    for work in list(at_work):
        work.wait_settled()


@cache
def _all() -> WeakSet[Background]:
    """Return what is at work; made once, since a process cannot take back what it wants to do before a fork."""
    at_work: WeakSet[Background] = WeakSet()
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=lambda: _wait_for(at_work))
    return at_work
