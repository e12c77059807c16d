"""Overrides: words such as ``training.epochs=20`` from the command line and the environment."""

from __future__ import annotations

import ast
import os
import tomllib
from collections.abc import Mapping
from typing import Any

from tipi_core.config.layers import Layer
from tipi_core.config.model import COMPONENT_KEYS, SECTIONS, TOP_KEYS
from tipi_core.errors import UsageError, did_you_mean

ENVIRONMENT = "TIPI_SET_"
HINT = "write key.path=value, such as training.epochs=20"


def environment_words() -> list[tuple[str, str]]:
    """Return the words in ``TIPI_SET_*`` with their labels; the suffix only orders them."""
    names = sorted(name for name in os.environ if name.startswith(ENVIRONMENT))
    return [(f"{name}={os.environ[name]}", os.environ[name]) for name in names]


def override_layer(label: str, word: str, data: Mapping[str, Any]) -> Layer:
    """Return the layer that one override word makes over the merged ``data`` below it.

    Raises:
        UsageError: The word is no ``key=value``, or its key names nothing, or two things.
    """
    key, equals, text = word.partition("=")
    if not equals or not key.strip():
        raise UsageError(f"{word!r} is no override", hint=HINT)
    return value_layer(label, key.strip(), parse_value(text), data)


def value_layer(label: str, key: str, value: Any, data: Mapping[str, Any]) -> Layer:
    """Return the layer that sets one key to a value; raises as :func:`override_layer` does."""
    for part in reversed(_expand(label, _split(key, label), data)):
        value = {part: value}
    return Layer(label, value)


def parse_value(text: str) -> Any:
    """Return the value of a word: TOML, else a Python literal, else the bare text.

    Example:
        >>> parse_value("1e-3"), parse_value("True"), parse_value("adam")
        (0.001, True, 'adam')
    """
    try:
        parsed = tomllib.loads(f"value = {text}")
        if set(parsed) == {"value"}:
            return parsed["value"]
    except tomllib.TOMLDecodeError:
        pass
    try:
        literal = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text
    return literal if isinstance(literal, bool | int | float | str | list | dict | None) else text


def _split(key: str, word: str) -> list[str]:
    try:
        table: Any = tomllib.loads(f"{key} = 0")
    except tomllib.TOMLDecodeError:
        raise UsageError(f"{word!r} has no valid key", hint=HINT) from None
    keys = []
    while isinstance(table, dict) and len(table) == 1:
        (name, table), *_ = table.items()
        keys.append(name)
    return keys


def _expand(word: str, keys: list[str], data: Mapping[str, Any]) -> list[str]:
    """Return the full path: ``training.epochs`` means ``processes.training.params.epochs``."""
    if keys[0] not in TOP_KEYS:
        sections = [section for section in SECTIONS if keys[0] in _names(data, section)]
        if len(sections) > 1:
            raise UsageError(f"{word!r} may mean two things", hint=f"write {' or '.join(sections)} before it")
        if not sections:
            known = [*TOP_KEYS, *_names(data, "permanences"), *_names(data, "processes")]
            raise UsageError(f"unknown key {keys[0]!r} in {word!r}", hint=did_you_mean(keys[0], known, "known keys"))
        keys = [sections[0], *keys]
    if keys[0] in SECTIONS and len(keys) > 1:
        _check_component(word, keys, data)
        if len(keys) > 2 and keys[2] not in COMPONENT_KEYS:
            keys = [*keys[:2], "params", *keys[2:]]
    return keys


def _check_component(word: str, keys: list[str], data: Mapping[str, Any]) -> None:
    names = _names(data, keys[0])
    if keys[1] not in names and keys[2:] != ["type"]:
        raise UsageError(
            f"no {SECTIONS[keys[0]]} {keys[1]!r} for {word!r}", hint=did_you_mean(keys[1], names, f"{keys[0]} here")
        )


def _names(data: Mapping[str, Any], section: str) -> list[str]:
    table = data.get(section)
    return list(table) if isinstance(table, Mapping) else []
