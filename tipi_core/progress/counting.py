"""Where a loop stands, found without running Python for each item where the source allows it.

A bar counts the items whose loop body has ended: inside the body of the first item that is 0. The source is
advanced exactly as in a plain loop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import compress, count, islice
from operator import length_hint
from typing import Any

Position = Callable[[bool], int]  # how many bodies have ended; True once the source is exhausted

_INDEXED = (list, tuple, range)
_QUIET: tuple[type, ...] = (dict, set, frozenset, str, bytes, type({}.keys()), type({}.values()), type({}.items()))
_LONG_RANGE = type(iter(range(2**70)))  # its length does not fit the hint


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
    def position(exhausted: bool) -> int:
        handed_out = len(source) - length_hint(items)
        return handed_out if exhausted else max(0, handed_out - 1)

    return position


def _counted(source: Iterable[Any]) -> tuple[Iterator[Any], Position]:
    ticks = count(1)

    def position(exhausted: bool) -> int:
        handed_out = int(repr(ticks)[6:-1]) - 1
        return handed_out if exhausted else max(0, handed_out - 1)

    return compress(source, ticks), position
