"""Overrides: words such as ``training.epochs=20`` from the command line and the environment."""

from __future__ import annotations

import ast
import os
import re
import tomllib
from collections.abc import Mapping
from typing import Any

from tipi_core.config.layers import DELETE, Layer
from tipi_core.config.model import COMPONENT_KEYS, SECTIONS, TOP_KEYS
from tipi_core.config.secrets import mask_word
from tipi_core.errors import UsageError, did_you_mean

ENVIRONMENT = "TIPI_SET_"
HINT = "write key.path=value, such as training.epochs=20; key+=value appends, ~key removes"

_WORD = re.compile(r"""((?:"(?:[^"\\]|\\.)*"|'[^']*'|[^"'=+])+)(\+?)=(.*)""", re.DOTALL)


def environment_words() -> list[tuple[str, str]]:
    """Return the words in ``TIPI_SET_*`` with their labels; the suffix only orders them."""
    names = sorted(name for name in os.environ if name.startswith(ENVIRONMENT))
    return [(f"{name}={mask_word(os.environ[name])}", os.environ[name]) for name in names]


def override_layer(label: str, word: str, data: Mapping[str, Any]) -> Layer:
    """Return the layer that one override word makes over the merged ``data`` below it.

    Raises:
        UsageError: The word is no ``key=value``, or its key names nothing, or two things.
    """
    if word.startswith("~"):
        return _removing_layer(label, word[1:].strip(), data)
    match = _WORD.fullmatch(word)
    if match is None or not match[1].strip():
        raise UsageError(f"{mask_word(word)!r} is no override", hint=HINT)
    key, value = match[1].strip(), parse_value(match[3])
    return _appending_layer(label, key, value, data) if match[2] else value_layer(label, key, value, data)


def value_layer(label: str, key: str, value: Any, data: Mapping[str, Any]) -> Layer:
    """Return the layer that sets one key to a value; raises as :func:`override_layer` does."""
    return _layer(label, expand(label, split_key(key, label), data), value)


def _removing_layer(label: str, key: str, data: Mapping[str, Any]) -> Layer:
    keys = expand(label, split_key(key, label), data)
    find_value(data, keys, label)
    return _layer(label, keys, {DELETE: True})


def _appending_layer(label: str, key: str, value: Any, data: Mapping[str, Any]) -> Layer:
    """Return the layer with a longer list: one value is one more element, a list is its elements."""
    keys = expand(label, split_key(key, label), data)
    try:
        before = find_value(data, keys, label)
    except UsageError:
        before = []
    if not isinstance(before, list):
        raise UsageError(f"{label!r} appends to {'.'.join(keys)}, which is no list", hint="write key=value")
    return _layer(label, keys, [*before, *(value if isinstance(value, list) else [value])])


def _layer(label: str, keys: list[str], value: Any) -> Layer:
    for part in reversed(keys):
        value = {part: value}
    return Layer(label, value)


def find_value(data: Mapping[str, Any], keys: list[str], label: str) -> Any:
    """Return the value at a path.

    Raises:
        UsageError: There is none; the hint names near misses at the level where it fails.
    """
    value: Any = data
    for position, key in enumerate(keys):
        names = list(value) if isinstance(value, Mapping) else []
        if key not in names:
            before = f" in {'.'.join(keys[:position])}" if position else ""
            hint = did_you_mean(key, names, "it has") or "nothing is set there"
            raise UsageError(f"no key {key!r}{before} for {label!r}", hint=hint)
        value = value[key]
    return value


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


def split_key(key: str, word: str) -> list[str]:
    """Return the parts of a dotted key, read as TOML does.

    Raises:
        UsageError: It is none.
    """
    try:
        table: Any = tomllib.loads(f"{key} = 0")
    except tomllib.TOMLDecodeError:
        raise UsageError(f"{word!r} has no valid key", hint=HINT) from None
    keys: list[str] = []
    while isinstance(table, dict) and len(table) == 1:
        (name, table), *_ = table.items()
        keys.append(name)
    if table != 0:
        raise UsageError(f"{word!r} has no valid key", hint=HINT)
    return keys


def expand(word: str, keys: list[str], data: Mapping[str, Any]) -> list[str]:
    """Return the full path: ``training.epochs`` means ``processes.training.params.epochs``.

    Raises:
        UsageError: The first key names nothing, or two things.
    """
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
