"""Tracing a value: every layer that says something about it, and what shadowed what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tipi_core.config.layers import DELETE, Layers


@dataclass(frozen=True, slots=True)
class Source:
    """What one layer says about a key: where, the value, and whether it removes it."""

    where: str
    value: Any = None
    removes: bool = False


def sources_of(layers: Layers, keys: list[str]) -> Iterator[Source]:
    """Yield what each layer says about a key, the lowest first.

    Example:
        >>> from tipi_core.config.layers import Layer
        >>> layers = Layers([Layer("a.toml", {"seed": 1}, "seed = 1"), Layer("override seed=2", {"seed": 2})])
        >>> [(source.where, source.value) for source in sources_of(layers, ["seed"])]
        [('a.toml:1:1', 1), ('override seed=2', 2)]
    """
    for layer in layers.layers:
        value: Any = layer.data
        for depth, key in enumerate(keys):
            if isinstance(value, Mapping) and value.get(DELETE) is True:
                yield Source(layer.place(tuple(keys[:depth])).where, removes=True)
            if not isinstance(value, Mapping):
                yield Source(layer.place(tuple(keys[:depth])).where, removes=True)
                break
            if key not in value:
                break
            value = value[key]
        else:
            removes = isinstance(value, Mapping) and value.get(DELETE) is True
            yield Source(layer.place(tuple(keys)).where, None if removes else value, removes)


def flatten(value: Any, before: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Yield each value of nested tables with its dotted key; an empty table is a value.

    Example:
        >>> list(flatten({"a": {"b": 1}, "c": [2]}))
        [('a.b', 1), ('c', [2])]
    """
    if isinstance(value, Mapping) and (value or not before):
        for key, item in value.items():
            yield from flatten(item, (*before, str(key)))
    else:
        yield ".".join(before), value
