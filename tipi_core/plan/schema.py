"""A JSON Schema of pipeline files, made from every type that a config may name."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tipi_core.components.signature import UNKNOWN, Parameter, Signature
from tipi_core.config.model import RESERVED_COMPONENT, SECTIONS
from tipi_core.plan.listing import KnownType

DRAFT = "https://json-schema.org/draft/2020-12/schema"
NAME = "^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
REFERENCE = {"type": "string", "pattern": r"\$\{"}
DELETED = {"type": "object", "properties": {"__delete__": {"const": True}}, "required": ["__delete__"]}


def make_schema(types: Iterable[KnownType]) -> dict[str, Any]:
    """Return the schema; with ``extends`` a table may leave out its ``type``.

    Example:
        >>> make_schema([])["title"]
        'tipi pipeline'
    """
    known = list(types)
    tables = {section: _section(kind, known) for section, kind in SECTIONS.items()}
    names = {"type": "string", "minLength": 1}
    typed = {"additionalProperties": {"anyOf": [DELETED, {"required": ["type"]}]}}
    return {
        "$schema": DRAFT,
        "title": "tipi pipeline",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "extends": {"anyOf": [names, {"type": "array", "items": names}]},
            "description": {"type": "string"},
            "seed": {"anyOf": [{"type": "integer", "minimum": 0, "maximum": 2**32 - 1}, REFERENCE]},
            **tables,
        },
        "if": {"not": {"required": ["extends"]}},
        "then": {"required": ["processes"], "properties": dict.fromkeys(SECTIONS, typed)},
    }


def _section(kind: str, types: list[KnownType]) -> dict[str, Any]:
    own = [known for known in types if known.kind == kind]
    return {
        "type": "object",
        "propertyNames": {"pattern": NAME},
        "additionalProperties": {"anyOf": [DELETED, _component(own)]},
    }


def _component(types: list[KnownType]) -> dict[str, Any]:
    names = [known.name for known in types]
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "type": {"anyOf": [{"enum": names}, {"type": "string", "pattern": r"^[^:]+:[^:]+$|\$\{"}]},
            "params": {"type": "object"},
            "force": {"anyOf": [{"type": "boolean"}, REFERENCE]},
            "__delete__": {"const": True},
            **dict.fromkeys(RESERVED_COMPONENT, False),
        },
        "allOf": [_of_type(known) for known in types],
    }


def _of_type(known: KnownType) -> dict[str, Any]:
    return {
        "if": {"properties": {"type": {"const": known.name}}, "required": ["type"]},
        "then": {"properties": {"params": _params(known.signature), "type": {"description": known.doc or known.where}}},
    }


def _params(signature: Signature) -> dict[str, Any]:
    own = [parameter for parameter in signature.parameters if parameter.name in signature.names]
    return {
        "type": "object",
        "properties": {"__delete__": {"const": True}} | {parameter.name: _value(parameter) for parameter in own},
        "additionalProperties": signature.open,
    }


def _value(parameter: Parameter) -> dict[str, Any]:
    schema = _of_annotation(parameter.annotation)
    found: dict[str, Any] = {"anyOf": [schema, DELETED, REFERENCE]} if schema else {}
    if not parameter.required and isinstance(parameter.default, bool | int | float | str | list | dict):
        found["default"] = parameter.default
    return found


def _of_annotation(annotation: Any) -> dict[str, Any]:
    """Return the schema of what a config may write for an annotation; an empty one accepts anything."""
    if annotation is UNKNOWN:
        return {}
    if annotation is Path:
        return {"type": "string"}
    import msgspec

    try:
        schema = msgspec.json.schema(annotation, schema_hook=_of_class)
    except (TypeError, NotImplementedError, ValueError, NameError):
        return {}
    return {} if "$defs" in schema else schema


def _of_class(kind: type) -> dict[str, Any]:
    if issubclass(kind, Path):
        return {"type": "string"}
    raise NotImplementedError
