"""Clean-up: callbacks in reverse order, where one that fails stops no other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


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
