"""Where a loop stands, found without running Python for each item.

A bar counts the items whose loop body has ended: inside the body of the first item that is 0. The source is
advanced exactly as in a plain loop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import compress, count, islice, repeat
from operator import length_hint
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from tipi_core.run import Run

T = TypeVar("T")

_INDEXED = (list, tuple, range)
_LONG_RANGE = type(iter(range(2**70)))  # its length does not fit the hint
_ENDLESS = 2**62
PIECE = 10_000


class Position:
    """How many loop bodies have ended: a mark that costs next to nothing to take, and its meaning, found later.

    Args:
        mark: Returns how many items are out, or what is left of ``size``.
        size: What there was at first.
        asks: Whether questions for an item were counted: when a loop ends by itself, the last one had no answer.

    Example:
        >>> position = Position(lambda: 3)
        >>> position(False), position(True)
        (2, 3)
    """

    __slots__ = ("_asks", "_size", "mark")

    def __init__(self, mark: Callable[[], int], size: int | None = None, *, asks: bool = False) -> None:
        self.mark = mark
        self._size = size
        self._asks = asks

    def at(self, mark: int, exhausted: bool = False) -> int:
        """Return how many bodies had ended when ``mark`` was taken."""
        out = mark if self._size is None else self._size - mark
        return out if exhausted and not self._asks else max(0, out - 1)

    def __call__(self, exhausted: bool) -> int:
        """Return how many bodies have ended; True once the source is exhausted."""
        return self.at(self.mark(), exhausted)


def count_items(source: Iterable[T]) -> tuple[Iterator[T], Position]:
    """Return an iterator over ``source`` that counts in C, and its position.

    A list, a tuple and a range know where they stand. Of everything else the questions for an item are counted: when
    the loop asks for one more, all bodies before have ended, whether the source then gives an item, ends or raises; and
    a loop that is left in a body has not asked yet.

    Args:
        source: What the user loops over.

    Example:
        >>> items, position = count_items([5, 6])
        >>> next(items), position(False), list(items), position(True)
        (5, 0, [6], 2)
    """
    items = iter(source)
    if type(source) in _INDEXED and type(items) is not _LONG_RANGE:
        return items, _position_of(source, items)
    questions = repeat(items, _ENDLESS)
    return map(next, questions), Position(partial(length_hint, questions), _ENDLESS, asks=True)


def in_pieces(items: Iterator[T]) -> Iterator[Iterator[T]]:
    """Yield iterators that give ``items`` one after the other.

    Where C code asks for the items, as ``sum`` does, signal handlers and other threads have their turn between two
    pieces, and nowhere else.

    Example:
        >>> [list(piece) for piece in in_pieces(iter("ab"))]
        [['a', 'b']]
    """
    ticks = count(1)
    handed_out = compress(items, ticks)
    before, after = -PIECE, 0
    while after == before + PIECE:
        yield islice(handed_out, PIECE)
        before, after = after, int(repr(ticks)[6:-1]) - 1


def _position_of(source: Any, items: Iterator[Any]) -> Position:
    if type(source) is list:  # it may grow in the loop
        return Position(lambda: len(source) - length_hint(items))
    return Position(partial(length_hint, items), len(source))


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
