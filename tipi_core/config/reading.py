"""Reading a pipeline: files and overrides to layers, layers to a checked :class:`PipelineConfig`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tipi_core.config.files import read_file, short_path
from tipi_core.config.interpolation import Interpolation, misplaced_deletes
from tipi_core.config.layers import Layer, Layers
from tipi_core.config.model import (
    COMPONENT_KEYS,
    RESERVED_COMPONENT,
    RESERVED_TOP,
    SECTIONS,
    TOP_KEYS,
    ComponentSpec,
    PipelineConfig,
    meant,
)
from tipi_core.config.names import why_no_name
from tipi_core.config.overrides import environment_words, override_layer, value_layer
from tipi_core.config.secrets import mask_secrets, mask_word
from tipi_core.errors import ConfigError, ConfigProblems, did_you_mean

Overrides = Sequence[str] | Mapping[str, Any]


def read_pipeline(name: str, path: Path, overrides: Overrides = ()) -> tuple[PipelineConfig, list[ConfigError]]:
    """Read a pipeline with everything that bears on it.

    Args:
        name: The pipeline's name.
        path: Its file.
        overrides: Words ``key.path=value``, or a mapping from key path to value; they win over ``TIPI_SET_*``,
            which wins over the files.

    Returns:
        The config, and every mistake found in its structure. With mistakes the config holds what could be read.

    Raises:
        ConfigError: A file is unreadable or no TOML, or the chain of ``extends`` is broken.
        UsageError: An override names nothing.
    """
    layers = Layers(list(_file_layers(path, ())))
    given = overrides.items() if isinstance(overrides, Mapping) else ()
    words = [(f"override {mask_word(word)}", word) for word in ([] if given else overrides)]
    for label, word in environment_words() + words:
        layers.layers.append(override_layer(label, word, layers.merged()))
    for key, value in given:
        layers.layers.append(value_layer(f"override {mask_word(f'{key}={value!r}')}", key, value, layers.merged()))
    filled = Interpolation(layers.merged(), layers)
    problems = [*misplaced_deletes(layers), *filled.problems]
    known = {problem.where for problem in problems}
    problems += [problem for problem in _check(filled.data, layers) if problem.where not in known]
    return _build(name, path, filled, layers), problems


def raise_problems(problems: Sequence[ConfigError], path: Path) -> None:
    """Raise all ``problems`` together, in the order of their places, if there are any."""
    if problems:
        raise ConfigProblems(sorted(problems, key=_order), short_path(path))


def _order(problem: ConfigError) -> tuple[str, tuple[int, ...]]:
    parts = (problem.where or "").split(":")
    return parts[0], tuple(int(part) for part in parts[1:] if part.isdigit())


def _file_layers(path: Path, chain: tuple[Path, ...]) -> Iterator[Layer]:
    """Yield the layers of a file's ``extends`` chain, then its own."""
    resolved = path.resolve()
    if resolved in chain:
        names = " -> ".join(str(link) for link in (*chain[chain.index(resolved) :], resolved))
        raise ConfigError(f"extends goes in a circle: {names}", where=str(path), hint="remove one of the links")
    layer = read_file(path)
    bases = layer.data.get("extends", [])
    for base in bases if isinstance(bases, list) else [bases]:
        if not isinstance(base, str):
            raise Layers([layer]).error(("extends",), "extends wants a file name or a list of them")
        parent = path.parent / base
        if not parent.is_file():
            raise Layers([layer]).error(("extends",), f"no file {str(parent)!r} to extend")
        yield from _file_layers(parent, (*chain, resolved))
    yield layer


def _check(data: Mapping[str, Any], layers: Layers) -> Iterator[ConfigError]:
    for key in data:
        if key not in TOP_KEYS:
            yield layers.error((key,), f"unknown section {key!r}", did_you_mean(key, TOP_KEYS, "sections"))
        elif key in RESERVED_TOP:
            yield layers.error((key,), f"section {key!r} is reserved and not supported yet", "remove it")
    yield from _check_types(data, layers)
    for section in SECTIONS:
        table = data.get(section, {})
        if isinstance(table, Mapping):
            for name in table:
                yield from _check_component(section, name, table[name], layers)
    if not data.get("processes") and "processes" not in {meant(key, TOP_KEYS) for key in data if key not in TOP_KEYS}:
        yield layers.error(("processes",), "the pipeline has no processes, so there is nothing to run")


def _check_types(data: Mapping[str, Any], layers: Layers) -> Iterator[ConfigError]:
    expected: dict[str, tuple[type, str]] = {
        "description": (str, "a string"),
        "seed": (int, "a whole number"),
        "permanences": (dict, "a table of tables, [permanences.NAME]"),
        "processes": (dict, "a table of tables, [processes.NAME]"),
    }
    for key, (kind, words) in expected.items():
        value = data.get(key)
        if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
            yield layers.error((key,), f"{key} wants {words}, not {value!r}")
    seed = data.get("seed")
    if isinstance(seed, int) and not 0 <= seed < 2**32:
        yield layers.error(("seed",), f"seed wants a number from 0 to 4294967295, not {seed}")


def _check_component(section: str, name: str, table: Any, layers: Layers) -> Iterator[ConfigError]:
    keys = (section, name)
    broken = why_no_name(name)
    if broken:
        yield layers.error(keys, f"{name[:120]!r} is no {SECTIONS[section]} name", broken)
    if not isinstance(table, Mapping):
        what = f"{section}.{name} wants a table, not {_shown(name, table)}"
        yield layers.error(keys, what, f"write [{section}.{name}]")
        return
    for key in table:
        if key not in COMPONENT_KEYS:
            hint = did_you_mean(key, COMPONENT_KEYS) or f"parameters go into params = {{ {key} = ... }}"
            yield layers.error((*keys, key), f"unknown key {key!r} in {section}.{name}", hint)
        elif key in RESERVED_COMPONENT:
            yield layers.error((*keys, key), f"key {key!r} is reserved and not supported yet", "remove it")
    misspelt = {meant(key, COMPONENT_KEYS) for key in table if key not in COMPONENT_KEYS}
    if (not isinstance(table.get("type"), str) or not table["type"]) and ("type" in table or "type" not in misspelt):
        yield layers.error((*keys, "type"), f'{section}.{name} wants type = "..."')
    if not isinstance(table.get("params", {}), Mapping):
        yield layers.error((*keys, "params"), f"params of {section}.{name} wants a table", "params = { key = value }")
    if not isinstance(table.get("force", False), bool):
        yield layers.error((*keys, "force"), f"force of {section}.{name} wants true or false")


def _shown(key: str, value: Any) -> str:
    return repr(mask_secrets({key: value})[key])


def _build(name: str, path: Path, filled: Interpolation, layers: Layers) -> PipelineConfig:
    data = filled.data
    seed = data.get("seed")
    return PipelineConfig(
        name=name,
        path=path,
        description=str(data.get("description", "")),
        seed=seed if isinstance(seed, int) else None,
        permanences=_specs("permanences", data, layers),
        processes=_specs("processes", data, layers),
        data=data,
        layers=layers,
        secrets=frozenset(filled.secrets),
    )


def _specs(section: str, data: Mapping[str, Any], layers: Layers) -> tuple[ComponentSpec, ...]:
    tables = data.get(section)
    if not isinstance(tables, Mapping):
        return ()
    return tuple(
        ComponentSpec(
            name=name,
            kind=SECTIONS[section],
            type=table["type"],
            params=table["params"] if isinstance(table.get("params"), Mapping) else {},
            force=table.get("force") is True,
            layers=layers,
        )
        for name, table in tables.items()
        if isinstance(table, Mapping) and isinstance(table.get("type"), str)
    )
