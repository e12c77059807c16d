"""The lock that a bar's class hands out, for code that shares one between threads or processes."""

from __future__ import annotations

from typing import Any

from tipi_core.progress.display import display


class SharedLock:
    """The display's lock, and one for processes that is made at the first ask.

    Attributes:
        th_lock: The lock that is held while bars are drawn.
    """

    def __init__(self) -> None:
        self._processes: Any = None

    @property
    def th_lock(self) -> Any:
        """The lock between threads."""
        return display.lock

    @property
    def mp_lock(self) -> Any:
        """A lock that child processes can share."""
        if self._processes is None:
            from multiprocessing import RLock

            self._processes = RLock()
        return self._processes

    def acquire(self, *args: Any, **kwargs: Any) -> bool:
        """Acquire the lock between threads."""
        return bool(display.lock.acquire(*args, **kwargs))

    def release(self) -> None:
        """Release the lock between threads."""
        display.lock.release()

    def __enter__(self) -> None:
        display.lock.acquire()

    def __exit__(self, *error: object) -> None:
        display.lock.release()
