"""Annotations in the words of a message: what a value may be."""

from __future__ import annotations

import enum
import types
import typing
from collections.abc import Iterator, Sequence
from typing import Any

_LIMITS = {"ge": ">= {}", "gt": "> {}", "le": "<= {}", "lt": "< {}", "multiple_of": "a multiple of {}"}
_LIMITS |= {"pattern": "like {!r}", "min_length": "of at least {}", "max_length": "of at most {}"}
_LIMITS["length"] = "of length {}"  # where the shortest is the longest


def describe_annotation(annotation: Any) -> str:
    """Return an annotation as a person would write it.

    Example:
        >>> describe_annotation(typing.Literal["sgd", "adamw"] | int | None)
        "'sgd' or 'adamw' or int or None"
    """
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return " ".join([describe_annotation(arguments[0]), *_limits(arguments[1:])])
    if origin in (typing.Union, types.UnionType):
        return " or ".join(describe_annotation(argument) for argument in arguments)
    if origin is typing.Literal or (isinstance(annotation, type) and issubclass(annotation, enum.Enum)):
        return " or ".join(map(repr, allowed_values(annotation)))
    if isinstance(annotation, type) and origin is None:
        return annotation.__name__.replace("NoneType", "None")
    if isinstance(origin, type) and all(not isinstance(argument, list) for argument in arguments):
        inner = ", ".join("..." if argument is ... else describe_annotation(argument) for argument in arguments)
        return f"{'list' if origin is Sequence else origin.__name__}[{inner}]"  # as TOML has it
    return str(annotation).replace("typing.", "").replace("pathlib.", "")


def allowed_values(annotation: Any) -> Iterator[Any]:
    """Yield the values that an annotation lists: those of ``Literal`` and of enums, inside unions too.

    Example:
        >>> list(allowed_values(typing.Literal["a", "b"] | None))
        ['a', 'b']
    """
    origin = typing.get_origin(annotation)
    if origin is typing.Literal:
        yield from typing.get_args(annotation)
    elif origin in (typing.Union, types.UnionType, typing.Annotated):
        for argument in typing.get_args(annotation)[: 1 if origin is typing.Annotated else None]:
            yield from allowed_values(argument)
    elif isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        yield from (member.value for member in annotation)


def _limits(marks: tuple[Any, ...]) -> Iterator[str]:
    for mark in marks:
        found = {name: getattr(mark, name, None) for name in _LIMITS}
        if found["min_length"] == found["max_length"]:
            found |= {"min_length": None, "max_length": None, "length": found["max_length"]}
        limits = [_LIMITS[name].format(limit) for name, limit in found.items() if limit is not None]
        if limits:  # other marks say nothing of values
            yield " and ".join(limits)
