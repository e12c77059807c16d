"""Layers: the files and overrides that a configuration was merged from, and the place of each value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tipi_core.config.positions import locate
from tipi_core.config.secrets import mask_line
from tipi_core.errors import ConfigError

Keys = tuple[str | int, ...]
DELETE = "__delete__"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value was written: ``file:line:column`` or the override's own words, and the line's text."""

    where: str
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Layer:
    """One source of values: a file with its text, or one override (then ``text`` is None)."""

    label: str
    data: Mapping[str, Any]
    text: str | None = None
    _places: dict[Keys, tuple[int, int]] = field(default_factory=dict, repr=False, compare=False)

    def place(self, keys: Keys) -> Place:
        """Return the place of a key, or of the nearest table around it that this layer mentions."""
        if self.text is None:
            return Place(self.label)
        if not self._places:
            self._places.update(locate(self.text))  # once, and only where a place is asked for
        places = self._places
        while keys and keys not in places:
            keys = keys[:-1]
        line, column = places.get(keys, (1, 1))
        lines = self.text.splitlines() or [""]
        return Place(f"{self.label}:{line}:{column}", mask_line(lines[min(line, len(lines)) - 1]))


@dataclass(slots=True)
class Layers:
    """The layers of a configuration, lowest first."""

    layers: list[Layer] = field(default_factory=list)

    def merged(self) -> dict[str, Any]:
        """Return all layers merged: tables merge, everything else is replaced by the higher layer."""
        result: dict[str, Any] = {}
        for layer in self.layers:
            merge(result, layer.data)
        result.pop("extends", None)
        return result

    @staticmethod
    def merge_into(base: dict[str, Any], layer: Layer) -> None:
        """Merge one layer over what lies below it, in place."""
        merge(base, layer.data)

    def place(self, keys: Keys) -> Place:
        """Return where the value of ``keys`` was written; without such a key, where its table was."""
        for length in range(len(keys), 0, -1):
            for layer in reversed(self.layers):
                if _has(layer.data, keys[:length]):
                    return layer.place(keys[:length])
        return self.layers[-1].place(()) if self.layers else Place("config")

    def error(self, keys: Keys, what: str, hint: str | None = None) -> ConfigError:
        """Return an error about the value of ``keys``, with its place and source line."""
        place = self.place(keys)
        return ConfigError(what, where=place.where, hint=hint, source=place.source)


def merge(base: dict[str, Any], above: Mapping[str, Any]) -> None:
    """Merge ``above`` into ``base`` in place; a table with ``__delete__ = true`` first removes what it replaces.

    Example:
        >>> base = {"a": {"b": 1}, "c": [1, 2]}
        >>> merge(base, {"a": {"d": 2}, "c": [3]})
        >>> base
        {'a': {'b': 1, 'd': 2}, 'c': [3]}
    """
    for key, value in above.items():
        if isinstance(value, Mapping):
            if value.get(DELETE) is True:
                base.pop(key, None)
                value = {name: item for name, item in value.items() if name != DELETE}  # noqa: PLW2901
                if not value:
                    continue
            inner = base.get(key)
            base[key] = inner if isinstance(inner, dict) else {}
            merge(base[key], value)
        else:
            base[key] = value


def _has(data: Any, keys: Keys) -> bool:
    for key in keys:
        if isinstance(data, Mapping) and key in data:
            data = data[str(key)]
        elif isinstance(data, list) and isinstance(key, int) and key < len(data):
            data = data[key]
        else:
            return False
    return True
