"""Signatures from source text: names, defaults and those annotations that need no import to be understood."""

from __future__ import annotations

import ast
import pathlib
import typing
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from tipi_core.components.naming import NameOf
from tipi_core.components.signature import UNKNOWN, Parameter, Signature
from tipi_core.sources.classes import read_class
from tipi_core.sources.modules import ModuleSource

Function = ast.FunctionDef | ast.AsyncFunctionDef

_MARKS = {"Meta": ("msgspec", "tipi.plugin"), "NameOf": ("tipi.plugin", "tipi_core.components.naming")}

ANY_SIGNATURE = Signature(open=True)

_TYPES: dict[str, Any] = {
    "bool": bool,
    "int": int,
    "float": float,
    "str": str,
    "list": list,
    "dict": dict,
    "tuple": tuple,
    "set": set,
    "None": None,
    "object": object,
    "typing.Any": Any,
    "typing.List": list,
    "typing.Dict": dict,
    "typing.Tuple": tuple,
    "typing.Sequence": list,
    "collections.abc.Sequence": list,
    "collections.abc.Mapping": dict,
    "pathlib.Path": pathlib.Path,
}


def read_signature(source: ModuleSource, node: Function, given: tuple[str, ...], method: bool = False) -> Signature:
    """Return the signature of a function, or of a constructor (``method``: without ``self``)."""
    arguments = node.args
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults)) + list(arguments.defaults)
    pairs = list(zip(positional, defaults, strict=True))[1 if method else 0 :]
    pairs += list(zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True))
    parameters = tuple(
        Parameter(argument.arg, default is None, _default(default), _annotation(source, argument.annotation))
        for argument, default in pairs
    )
    return Signature(parameters, arguments.kwarg is not None, given)


def decorator_name(source: ModuleSource, node: Function, decorators: set[str]) -> str | None:
    """Return the type name that one of ``decorators`` gives the function; None when it has none of them."""
    for decorator in node.decorator_list:
        call = decorator if isinstance(decorator, ast.Call) else None
        if source.dotted(call.func if call else decorator) in decorators:
            names = [keyword.value for keyword in (call.keywords if call else []) if keyword.arg == "name"]
            constants = [str(name.value) for name in names if isinstance(name, ast.Constant) and name.value]
            return constants[0] if constants else node.name
    return None


def _default(node: ast.expr | None) -> Any:
    """Return a literal default as a value, any other as its source text."""
    if node is None:
        return None
    try:
        return ast.literal_eval(node)
    except (ValueError, SyntaxError, TypeError, MemoryError):
        return ast.unparse(node)


def _annotation(source: ModuleSource, node: ast.expr | None) -> Any:
    if node is None:
        return UNKNOWN
    try:
        return _type(source, node)
    except (KeyError, TypeError, SyntaxError, ValueError, RecursionError):
        return UNKNOWN


def _type(source: ModuleSource, node: ast.expr) -> Any:
    """Return the type that an annotation means; KeyError for what only an import could tell."""
    if isinstance(node, ast.Constant):
        return None if node.value is None else _type(source, ast.parse(str(node.value), mode="eval").body)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return typing.Union[_type(source, node.left), _type(source, node.right)]  # noqa: UP007 - built at run time
    if isinstance(node, ast.Subscript):
        return _subscript(source, node)
    if isinstance(node, ast.Name) and node.id not in source.imports:
        if node.id in source.classes:
            return read_class(source, node.id, _type)
        if node.id in source.aliases:
            return _type(source, source.aliases[node.id])
    return _TYPES[_name(source, node)]


def _subscript(source: ModuleSource, node: ast.Subscript) -> Any:
    outer = _name(source, node.value)
    inner = list(node.slice.elts) if isinstance(node.slice, ast.Tuple) else [node.slice]
    if outer == "typing.Literal":
        return typing.Literal[tuple(ast.literal_eval(item) for item in inner)]
    if outer == "typing.Optional":
        return typing.Optional[_type(source, inner[0])]  # noqa: UP045 - built at run time
    if outer == "typing.Annotated":
        marks = [mark for mark in map(partial(_mark, source), inner[1:]) if mark is not None]
        return typing.Annotated[(_type(source, inner[0]), *marks)] if marks else _type(source, inner[0])
    if outer == "typing.Union":
        return typing.Union[tuple(_type(source, item) for item in inner)]  # noqa: UP007 - built at run time
    return _TYPES[outer][tuple(_items(source, inner))]


def _mark(source: ModuleSource, node: ast.expr) -> Any:
    """Return a mark in an annotation that the engine understands; None for any other."""
    kind = (source.dotted(node.func) or "") if isinstance(node, ast.Call) else ""
    home, _, name = kind.rpartition(".")
    if not isinstance(node, ast.Call) or home not in _MARKS.get(name, ()):
        return None
    arguments = [ast.literal_eval(argument) for argument in node.args]
    return _make(name)(*arguments, **{str(word.arg): ast.literal_eval(word.value) for word in node.keywords})


def _make(name: str) -> Callable[..., Any]:
    if name == "NameOf":
        return NameOf
    import msgspec

    return msgspec.Meta


def _items(source: ModuleSource, nodes: list[ast.expr]) -> Iterator[Any]:
    for node in nodes:
        yield ... if isinstance(node, ast.Constant) and node.value is ... else _type(source, node)


def _name(source: ModuleSource, node: ast.expr) -> str:
    """Return a built-in's bare name or an imported name's dotted origin."""
    if isinstance(node, ast.Name) and node.id not in source.imports:
        return node.id
    return source.dotted(node) or ""
