"""How many rows of the terminal the bars take now, where forked children can read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mmap import mmap


class Board:
    """One number, in memory that children share once the process has forked.

    Example:
        >>> board = Board()
        >>> board.rows = 3
        >>> board.share()
        >>> board.rows
        3
    """

    def __init__(self) -> None:
        self._rows = 0
        self._shared: mmap | None = None

    @property
    def rows(self) -> int:
        """The rows that the bars take; a child reads what its parent wrote last."""
        return self._rows if self._shared is None else int.from_bytes(self._shared[:4], "little")

    @rows.setter
    def rows(self, rows: int) -> None:
        self._rows = rows
        if self._shared is not None:
            self._shared[:4] = rows.to_bytes(4, "little")

    def share(self) -> None:
        """Let children that are forked from now on read the number."""
        if self._shared is None:
            from mmap import mmap

            self._shared = mmap(-1, 4)  # anonymous and shared
            self.rows = self._rows
