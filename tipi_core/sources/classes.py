"""Enums and dataclasses read from source: stand-ins that take the same values as the classes themselves."""

from __future__ import annotations

import ast
import dataclasses
import enum
from collections.abc import Callable, Iterator
from typing import Any

from tipi_core.sources.modules import ModuleSource

_ENUMS: dict[str, type[enum.Enum]] = {
    "enum.Enum": enum.Enum,
    "enum.StrEnum": enum.StrEnum,
    "enum.IntEnum": enum.IntEnum,
}
_DATACLASS = "dataclasses.dataclass"
_FIELD = "dataclasses.field"


def read_class(source: ModuleSource, name: str, read_type: Callable[[ModuleSource, ast.expr], Any]) -> Any:
    """Return a stand-in for an enum or a dataclass of the module.

    Args:
        source: The module.
        name: The class's name in it.
        read_type: Reads the annotation of a field; raises KeyError where only an import could.

    Raises:
        KeyError: It is neither, or more than its source would have to be known.
    """
    node = source.classes[name]
    bases = [source.dotted(base) or "" for base in node.bases]
    kinds = [_ENUMS[base] for base in bases if base in _ENUMS]
    if kinds:
        make: Any = kinds[0]  # called with members, an enum's class makes a new one
        return make(name, dict(_members(source, node)))
    decorators = [one.func if isinstance(one, ast.Call) else one for one in node.decorator_list]
    if bases or [source.dotted(one) for one in decorators] != [_DATACLASS]:
        raise KeyError(name)
    return dataclasses.make_dataclass(name, list(_fields(source, node, read_type)), kw_only=True)


def _members(source: ModuleSource, node: ast.ClassDef) -> Iterator[tuple[str, Any]]:
    for statement in node.body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            value = statement.value
            is_auto = isinstance(value, ast.Call) and source.dotted(value.func) == "enum.auto"
            yield statement.targets[0].id, enum.auto() if is_auto else ast.literal_eval(value)


def _fields(
    source: ModuleSource, node: ast.ClassDef, read_type: Callable[[ModuleSource, ast.expr], Any]
) -> Iterator[tuple[str, Any, Any]]:
    for statement in node.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            try:
                annotation = read_type(source, statement.annotation)
            except KeyError:
                annotation = Any
            has_default = _has_default(source, statement.value)
            yield (
                statement.target.id,
                annotation,
                dataclasses.field(default=None) if has_default else dataclasses.field(),
            )


def _has_default(source: ModuleSource, value: ast.expr | None) -> bool:
    if isinstance(value, ast.Call) and source.dotted(value.func) == _FIELD:
        return any(word.arg in ("default", "default_factory") for word in value.keywords)
    return value is not None
