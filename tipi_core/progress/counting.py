"""Where a loop stands, found without running Python for each item where the source allows it.

A bar counts the items whose loop body has ended: inside the body of the first item that is 0. The source is
advanced exactly as in a plain loop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import compress, count, islice
from operator import length_hint
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from tipi_core.run import Run

T = TypeVar("T")

_INDEXED = (list, tuple, range)
_QUIET: tuple[type, ...] = (dict, set, frozenset, str, bytes, type({}.keys()), type({}.values()), type({}.items()))
_LONG_RANGE = type(iter(range(2**70)))  # its length does not fit the hint


class Position:
    """How many loop bodies have ended: a mark that costs next to nothing to take, and its meaning, found later.

    Args:
        mark: Returns how many items are out: their number, the text of the next ``count``, or what is left of ``size``.
        size: The length of the source, where the mark is what is left of it.

    Example:
        >>> position = Position(lambda: 3)
        >>> position(False), position(True)
        (2, 3)
    """

    __slots__ = ("_size", "mark")

    def __init__(self, mark: Callable[[], Any], size: int | None = None) -> None:
        self.mark = mark
        self._size = size

    def at(self, mark: Any, exhausted: bool = False) -> int:
        """Return how many bodies had ended when ``mark`` was taken."""
        if self._size is not None:
            mark = self._size - mark
        out = int(mark[6:-1]) - 1 if type(mark) is str else mark
        return out if exhausted else max(0, out - 1)

    def __call__(self, exhausted: bool) -> int:
        """Return how many bodies have ended; True once the source is exhausted."""
        return self.at(self.mark(), exhausted)


def counts_in_c(source: Any) -> bool:
    """Return whether :func:`count_items` knows this kind of source."""
    return type(source) in _INDEXED or type(source) in _QUIET


def count_items(source: Any, limit: int | None = None) -> tuple[Iterator[Any], Position]:
    """Return an iterator over ``source`` that counts in C, and its position.

    Only a container whose ``next`` runs no code of the user is counted so: from outside, an error of the source
    looks like a ``break``, and the count would be one too low.

    Args:
        source: What the user loops over.
        limit: The most items to hand out, or None.

    Example:
        >>> items, position = count_items([5, 6])
        >>> next(items), position(False), list(items), position(True)
        (5, 0, [6], 2)
    """
    if limit is None and type(source) in _INDEXED:
        items = iter(source)
        if type(items) is not _LONG_RANGE:
            return items, _position_of(source, items)
    return _counted(source if limit is None else islice(source, limit))


def _position_of(source: Any, items: Iterator[Any]) -> Position:
    if type(source) is list:  # it may grow in the loop
        return Position(lambda: len(source) - length_hint(items))
    return Position(partial(length_hint, items), len(source))


def _counted(source: Iterable[Any]) -> tuple[Iterator[Any], Position]:
    ticks = count(1)
    return compress(source, ticks), Position(ticks.__repr__)


def until_stopped(source: Iterable[T], run: Run) -> Iterator[T]:
    """Yield the items of ``source``, and look at the run's stop flag between two of them.

    Raises:
        RunInterrupted: A signal set the flag; an error of the source after that is the clean stop too.
    """
    run.safe_point()
    try:
        for item in source:
            yield item
            if run.stop_signal is not None:
                run.safe_point()
    except Exception:
        run.safe_point()
        raise
