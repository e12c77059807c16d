"""Interpolation: ``${env:NAME}``, ``${config:training.epochs}`` and ``${run:dir}`` inside the values of a config."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tipi_core.config.layers import Keys, Layers
from tipi_core.config.overrides import expand, find_value, parse_value, split_key
from tipi_core.config.secrets import collect_secrets, is_secret
from tipi_core.errors import ConfigError, UsageError, did_you_mean

SCHEMES = ("env", "config", "run")
RUN_FACTS = ("dir", "id", "name")
MOST = 100_000

_REFERENCE = re.compile(r"(\$?)\$\{([^{}]*)\}")
_FORMS = "${env:NAME}, ${env:NAME:default}, ${config:KEY} or ${run:dir}; $${...} stands for itself"


class Interpolation:
    """The values of a config with their references replaced; those to the run stay until there is one.

    Args:
        data: The merged tables.
        layers: Where the values come from.

    Attributes:
        data: The tables with everything replaced that could be.
        problems: What could not.
        secrets: Texts that came from a place whose name looks like a secret's.
    """

    def __init__(self, data: Mapping[str, Any], layers: Layers) -> None:
        self._raw = data
        self._layers = layers
        self._chain: list[Keys] = []
        self._count = 0
        self._failures: dict[tuple[Keys, str], ConfigError] = {}
        self.secrets = set(collect_secrets(data))
        self.data: dict[str, Any] = {key: self._value((key,), value) for key, value in data.items()}
        if self.data != data:
            self.secrets |= set(collect_secrets(self.data))

    @property
    def problems(self) -> list[ConfigError]:
        """Every reference that leads nowhere, at its place."""
        return list(self._failures.values())

    def _value(self, keys: Keys, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: self._value((*keys, key), item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._value((*keys, index), item) for index, item in enumerate(value)]
        if not isinstance(value, str) or "${" not in value:
            return value
        try:
            return self._text(keys, value)
        except _Unresolved as failure:
            if self._chain:
                raise
            error = self._layers.error(failure.keys, failure.what, failure.hint)
            self._failures.setdefault((failure.keys, failure.what), error)
            return value

    def _text(self, keys: Keys, text: str) -> Any:
        """Return the text with its references replaced; one that is the whole text keeps its type."""
        self._count += 1
        if keys in self._chain:
            circle = [".".join(map(str, link)) for link in (*self._chain[self._chain.index(keys) :], keys)]
            raise _Unresolved(keys, f"values refer to each other in a circle: {' -> '.join(circle)}")
        if self._count > MOST:
            raise _Unresolved(keys, f"more than {MOST} references")
        self._chain.append(keys)
        try:
            whole = _REFERENCE.fullmatch(text)
            if whole and not whole[1]:
                return self._reference(keys, whole[2])
            return self._limited(keys, _REFERENCE.sub(lambda match: self._inside(keys, match), text))
        finally:
            self._chain.pop()

    def _inside(self, keys: Keys, match: re.Match[str]) -> str:
        if match[1]:
            return match[0][1:] if not match[2].startswith("run:") else match[0]
        value = self._reference(keys, match[2])
        if isinstance(value, dict | list):
            raise _Unresolved(keys, f"{match[0]} is no single value", "a table or list must be the whole string")
        return str(value).lower() if isinstance(value, bool) else str(value)

    def _limited(self, keys: Keys, text: str) -> str:
        if len(text) > MOST:
            raise _Unresolved(keys, f"the value grows beyond {MOST} characters")
        return text

    def _reference(self, keys: Keys, body: str) -> Any:
        scheme, colon, rest = body.partition(":")
        if not colon or scheme not in SCHEMES or not rest:
            hint = did_you_mean(scheme, SCHEMES) if colon else None
            raise _Unresolved(keys, f"{'${' + body + '}'!r} is no reference", hint or f"write {_FORMS}")
        if scheme == "env":
            return self._environment(keys, rest)
        return self._of_run(keys, rest) if scheme == "run" else self._of_config(keys, rest)

    def _environment(self, keys: Keys, body: str) -> Any:
        name, colon, default = body.partition(":")
        text = os.environ.get(name, default if colon else None)
        if text is None:
            hint = did_you_mean(name, os.environ) or f"set it, or write ${{env:{name}:default}}"
            raise _Unresolved(keys, f"the environment has no {name}", hint)
        if is_secret(name) and text:
            self.secrets.add(text)
            return text
        value = parse_value(text)
        return value if isinstance(value, bool | int | float | str | list | dict) else text

    def _of_run(self, keys: Keys, fact: str) -> str:
        if fact not in RUN_FACTS:
            raise _Unresolved(keys, f"a run has no {fact!r}", did_you_mean(fact, RUN_FACTS, "it has"))
        return f"${{run:{fact}}}"

    def _of_config(self, keys: Keys, key: str) -> Any:
        try:
            path = expand(f"${{config:{key}}}", split_key(key, key), self._raw)
            raw = find_value(self._raw, path, f"${{config:{key}}}")
        except UsageError as error:
            raise _Unresolved(keys, error.what, error.hint) from None
        value = self._value(tuple(path), raw)
        if is_secret(path[-1]) and isinstance(value, str) and value:
            self.secrets.add(value)
        return value


class _Unresolved(Exception):
    def __init__(self, keys: Keys, what: str, hint: str | None = None) -> None:
        super().__init__(what)
        self.keys = keys
        self.what = what
        self.hint = hint


def fill_in_run(value: Any, facts: Mapping[str, str]) -> Any:
    """Return a value with the references to the run replaced.

    Example:
        >>> fill_in_run({"file": "${run:dir}/best.pt"}, {"dir": "runs/a/1"})
        {'file': 'runs/a/1/best.pt'}
    """
    if isinstance(value, Mapping):
        return {key: fill_in_run(item, facts) for key, item in value.items()}
    if isinstance(value, list):
        return [fill_in_run(item, facts) for item in value]
    return _REFERENCE.sub(lambda match: _of_run(match, facts), value) if isinstance(value, str) else value


def _of_run(match: re.Match[str], facts: Mapping[str, str]) -> str:
    fact = match[2].removeprefix("run:")
    if not match[2].startswith("run:") or fact not in facts:
        return match[0]
    return match[0][1:] if match[1] else facts[fact]


def misplaced_deletes(layers: Layers) -> Iterator[ConfigError]:
    """Yield an error for each ``__delete__`` that removes nothing, or is not ``true``."""
    below: dict[str, Any] = {}
    for layer in layers.layers:
        for keys, value in _deletes(layer.data, ()):
            if value is not True:
                yield layers.error(keys, "__delete__ wants true", "remove the key, or write true")
                continue
            try:
                find_value(below, list(map(str, keys[:-1])), "__delete__")
            except UsageError as error:
                what, place = f"nothing to remove: {error.what}", layer.place(keys[:-1])
                yield ConfigError(what, where=place.where, source=place.source, hint=error.hint)
        layers.merge_into(below, layer)


def _deletes(data: Any, keys: Keys) -> Iterator[tuple[Keys, Any]]:
    if isinstance(data, Mapping):
        for key, value in data.items():
            if key == "__delete__":
                yield (*keys, key), value
            else:
                yield from _deletes(value, (*keys, key))
