"""Marks in annotations that say more than a type: what a text names."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class NameOf:
    """Says that a text names something of a kind, so that a misspelt name is found before anything is imported.

    Right are the names that plugins register for the kind, import strings ``module:attr`` that the project trusts, and
    the names that ``more`` tells.

    Args:
        kind: Such as ``"model"``.
        more: ``"module:function"``; the function takes the name in question, returns those known elsewhere, for
            instance in an optional package, and raises ``MissingPackage`` where that is not there. Its module is
            imported by ``tipi validate`` when no plugin knows the name, so it should import nothing heavy.

    Example:
        >>> def network(model: typing.Annotated[str, NameOf("model")]) -> None: ...
    """

    kind: str
    more: str | None = None


def names_in(annotation: Any, value: Any) -> Iterator[tuple[NameOf, str]]:
    """Yield each text in a value that an annotation marks with :class:`NameOf`.

    Example:
        >>> list(names_in(list[typing.Annotated[str, NameOf("metric")]] | None, ["f1"]))
        [(NameOf(kind='metric', more=None), 'f1')]
    """
    arguments = typing.get_args(annotation)
    if typing.get_origin(annotation) is typing.Annotated:
        marks = [mark for mark in annotation.__metadata__ if isinstance(mark, NameOf)]
        yield from ((mark, value) for mark in marks if isinstance(value, str))
        arguments = arguments[:1]
    for argument in arguments:
        inner = value if typing.get_origin(annotation) is not list else None
        for item in value if inner is None and isinstance(value, list) else [inner]:
            yield from names_in(argument, item)
