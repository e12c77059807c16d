"""Signatures: the parameters of a component, and the one binder that checks a config against them.

A signature is read from source before anything is imported, and from the object itself afterwards; both are the
same record and are checked by the same functions.
"""

from __future__ import annotations

import inspect
import sys
import types
import typing
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tipi_core.components.describing import allowed_values, describe_annotation
from tipi_core.errors import ConfigError, did_you_mean, nearest

UNKNOWN: Any = inspect.Parameter.empty
GIVEN = ("controller", "force")
LONGEST_VALUE = 60


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: its name, whether it must be given, its default and its annotation (UNKNOWN: unchecked)."""

    name: str
    required: bool
    default: Any = None
    annotation: Any = UNKNOWN


@dataclass(frozen=True, slots=True)
class Signature:
    """The parameters that can be given by name; ``open`` when any other name is taken too.

    Attributes:
        parameters: In order, without ``self``.
        open: Whether there is a ``**kwargs``, or the signature could not be read.
        given: Names that the engine fills in and that a config may not set.
    """

    parameters: tuple[Parameter, ...] = ()
    open: bool = False
    given: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """The names that a config may set."""
        return [parameter.name for parameter in self.parameters if parameter.name not in self.given]

    @classmethod
    def of(cls, target: Callable[..., Any], given: tuple[str, ...] = ()) -> Signature:
        """Return the signature of a class or function that is imported.

        Example:
            >>> Signature.of(lambda a, b=1: None).names
            ['a', 'b']
        """
        try:
            signature = inspect.signature(target)
        except (TypeError, ValueError):
            return cls(open=True, given=given)
        function = vars(target).get("__init__", target) if isinstance(target, type) else target
        names = getattr(inspect.unwrap(function), "__globals__", None) or _module_names(target)
        parameters = tuple(
            Parameter(
                name=parameter.name,
                required=parameter.default is parameter.empty,
                default=None if parameter.default is parameter.empty else parameter.default,
                annotation=_resolve(parameter.annotation, names),
            )
            for parameter in signature.parameters.values()
            if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
        )
        takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in signature.parameters.values())
        return cls(parameters, takes_any, given)


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong with one parameter (``name`` None: with the whole component), or with a key ``inside`` it."""

    name: str | None
    what: str
    hint: str | None = None
    inside: tuple[str, ...] = ()


def check_params(
    signature: Signature, params: Mapping[str, Any], provided: Collection[str], owner: str
) -> Iterator[Mistake]:
    """Yield every mistake in ``params``: unknown, missing, of the wrong type.

    Args:
        signature: What the component takes.
        params: What the config gives.
        provided: Names of permanences and earlier results that fill parameters of the same name.
        owner: The component's type, for the messages.

    Example:
        >>> signature = Signature((Parameter("epochs", required=False, default=1, annotation=int),))
        >>> [mistake.hint for mistake in check_params(signature, {"epoch": 3}, (), "Training")]
        ["did you mean 'epochs'?"]
    """
    by_name = {parameter.name: parameter for parameter in signature.parameters}
    for name, value in params.items():
        if name in signature.given:
            yield Mistake(name, f"parameter {name!r} of {owner} is filled in by tipi", "remove it from params")
        elif name in by_name:
            yield from _check_value(by_name[name], value, owner)
        elif not signature.open:
            hint = did_you_mean(name, signature.names, "its parameters") or f"{owner} takes no parameters"
            yield Mistake(name, f"unknown parameter {name!r} of {owner}", hint)
    misspelt = {hit for name in params if name not in by_name for hit in nearest(name, signature.names, limit=1)}
    given = {*params, *provided, *signature.given, *(() if signature.open else misspelt)}
    for parameter in signature.parameters:
        name = parameter.name
        if parameter.required and name not in given:
            hint = f"add {name} to its params, or a permanence named {name!r}"
            yield Mistake(None, f"missing parameter {name!r} of {owner}", hint)


def bind(signature: Signature, params: Mapping[str, Any], available: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keyword arguments: from ``params``, converted; else from what is ``available`` under the name.

    Args:
        signature: What the component takes.
        params: What the config gives; already checked.
        available: The permanences and earlier results, by name.
    """
    by_name = {parameter.name: parameter for parameter in signature.parameters}
    arguments = {name: convert(by_name[name], value) if name in by_name else value for name, value in params.items()}
    for name in by_name:
        if name not in arguments and name in available:
            arguments[name] = available[name]
    return arguments


def fit_options(
    function: Callable[..., Any], options: Mapping[str, Any], provided: Collection[str], owner: str
) -> dict[str, Any]:
    """Return the options of a function that a config names, converted as its annotations say.

    Args:
        function: A function or class.
        options: Values by parameter, from a config.
        provided: Names of parameters that the caller fills in itself.
        owner: What the function is, for messages: ``"model 'mlp'"``.

    Raises:
        ConfigError: An option is unknown or of the wrong type, or one that must be given is not.

    Example:
        >>> fit_options(lambda size=8: size, {"size": 3}, (), "dataset 'dots'")
        {'size': 3}
    """
    signature = Signature.of(function)
    for mistake in check_params(signature, options, provided, owner):
        raise ConfigError(mistake.what, hint=mistake.hint if mistake.name else "give it in options")
    return bind(signature, options, {})


def convert(parameter: Parameter, value: Any) -> Any:
    """Return the value as the annotation wants it, such as a ``Path`` for a string.

    Raises:
        ValueError: It does not fit.
    """
    if value is None and (parameter.default is None and not parameter.required):
        return None
    for choice in _choices(parameter.annotation):
        fits, converted = _fit(choice, value)
        if fits:
            return converted
    shown = repr(value) if len(repr(value)) <= LONGEST_VALUE else f"{repr(value)[: LONGEST_VALUE - 3]}..."
    raise ValueError(f"wants {describe_annotation(parameter.annotation)}, not {shown}")


def _check_value(parameter: Parameter, value: Any, owner: str) -> Iterator[Mistake]:
    tables = [choice for choice in _choices(parameter.annotation) if choice not in (None, type(None))]
    if isinstance(value, Mapping) and len(tables) == 1 and _is_dataclass(tables[0]):
        signature = Signature.of(tables[0])
        for mistake in check_params(signature, value, (), f"{parameter.name} of {owner}"):
            inside = (*([mistake.name] if mistake.name else []), *mistake.inside)
            hint = mistake.hint if mistake.name else f"add it to {parameter.name}"
            yield Mistake(parameter.name, mistake.what, hint, inside)
        return
    try:
        convert(parameter, value)
    except ValueError as error:
        hint = did_you_mean(value, map(str, allowed_values(parameter.annotation))) if isinstance(value, str) else None
        if all(_is_foreign(choice) for choice in _choices(parameter.annotation)):
            hint = (
                f"TOML cannot hold a {describe_annotation(parameter.annotation)}: name a permanence {parameter.name!r}"
            )
        yield Mistake(parameter.name, f"parameter {parameter.name!r} of {owner} {error}", hint)


def _choices(annotation: Any) -> list[Any]:
    """Return the members of a union, exact built-ins first; else the annotation alone."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        limits = [mark for mark in annotation.__metadata__ if type(mark).__module__ == "msgspec"]
        choices = _choices(annotation.__origin__)
        return [_limited(choice, limits) for choice in choices] if limits else choices
    if origin in (typing.Union, types.UnionType):
        members = [choice for member in typing.get_args(annotation) for choice in _choices(member)]
        return sorted(members, key=_rank)
    return [annotation]


def _is_dataclass(choice: Any) -> bool:
    return isinstance(choice, type) and hasattr(choice, "__dataclass_fields__")


def _limited(choice: Any, limits: list[Any]) -> Any:
    return choice if choice in (None, type(None)) else typing.Annotated[(choice, *limits)]


def _rank(choice: Any) -> int:
    choice = getattr(choice, "__origin__", choice) if typing.get_origin(choice) is typing.Annotated else choice
    order = (bool, int, float, str)
    return order.index(choice) if choice in order else (9 if choice is Path else 5)


def _fit(annotation: Any, value: Any) -> tuple[bool, Any]:
    if annotation in (UNKNOWN, Any, object) or isinstance(annotation, str | typing.TypeVar):
        return True, value
    if annotation is Path:
        return isinstance(value, str), Path(value) if isinstance(value, str) else value
    if _is_foreign(annotation):
        return isinstance(value, annotation), value
    import msgspec

    try:
        return True, msgspec.convert(value, type=annotation, strict=True)
    except msgspec.ValidationError:
        return False, value
    except (TypeError, NotImplementedError, NameError):
        return True, value  # an annotation beyond TOML's types: the component itself must judge


def _is_foreign(annotation: Any) -> bool:
    """Return whether an annotation is a class whose values no TOML file can hold."""
    if not isinstance(annotation, type) or annotation in (bool, int, float, str, list, dict, tuple, set, type(None)):
        return False
    import dataclasses
    import enum

    plain = dataclasses.is_dataclass(annotation) or issubclass(annotation, enum.Enum | str | int | float | dict | list)
    known = annotation in (Path, object) or hasattr(annotation, "__struct_fields__")
    return not (plain or known or annotation.__module__ in _MSGSPEC_MODULES)


_MSGSPEC_MODULES = ("collections.abc", "typing", "datetime", "decimal", "uuid")


def _module_names(target: Any) -> Mapping[str, Any]:
    """Return the names of the module in which a class, or the base that its constructor comes from, stands."""
    for base in getattr(target, "__mro__", ()):
        if "__init__" in vars(base):
            return vars(sys.modules.get(base.__module__, sys))
    return {}


def _resolve(annotation: Any, names: Mapping[str, Any]) -> Any:
    """Return the annotation with its text evaluated in the module of its function; UNKNOWN if that fails."""
    try:
        while isinstance(annotation, str):  # a quoted annotation under `from __future__` is text twice
            annotation = eval(annotation, dict(names))  # noqa: S307 - it is code of the module just imported
    except Exception:
        return UNKNOWN
    return annotation
