"""The frozen result of reading a pipeline's configuration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tipi_core.config.layers import Layers
from tipi_core.errors import nearest

TOP_KEYS = ("extends", "description", "seed", "run", "permanences", "processes", "sweep")
COMPONENT_KEYS = ("type", "params", "force", "cache", "retries", "timeout", "on_error")
RESERVED_TOP = ("run", "sweep")
RESERVED_COMPONENT = ("cache", "retries", "timeout", "on_error")
SECTIONS = {"permanences": "permanence", "processes": "process"}


@dataclass(frozen=True, slots=True)
class ComponentSpec:
    """One permanence or process as the config describes it.

    Attributes:
        name: The table's name.
        kind: ``permanence`` or ``process``.
        type: What ``type =`` says.
        params: Its parameters, as exact ``int float str bool list dict``.
        force: Whether the config asks to execute it even where it would be skipped.
        layers: Where the values come from.
    """

    name: str
    kind: str
    type: str
    params: Mapping[str, Any]
    force: bool = False
    layers: Layers = field(default_factory=Layers, repr=False, compare=False)

    @property
    def path(self) -> tuple[str, str]:
        """The keys of its table."""
        return ("permanences" if self.kind == "permanence" else "processes", self.name)

    @property
    def where(self) -> str:
        """The place of its table as ``file:line:column``; found when asked for."""
        return self.layers.place(self.path).where

    def where_param(self, name: str) -> str:
        """Return the place of one parameter."""
        return self.layers.place((*self.path, "params", name)).where


@dataclass(frozen=True, slots=True)
class PipelineConfig:
    """A whole pipeline: what it is called, what lives in it, what it does, in the order of the file.

    Attributes:
        name: The pipeline's name.
        path: Its file.
        description: Its ``description``, else an empty string.
        seed: Its ``seed``, or None.
        permanences: The permanences, in order.
        processes: The processes, in order.
        data: The merged tables, as plain types.
        layers: The files and overrides that they were merged from.
        secrets: Texts that are masked wherever they are shown or saved.
    """

    name: str
    path: Path
    description: str
    seed: int | None
    permanences: tuple[ComponentSpec, ...]
    processes: tuple[ComponentSpec, ...]
    data: Mapping[str, Any]
    layers: Layers = field(repr=False, compare=False)
    secrets: frozenset[str] = field(default=frozenset(), repr=False, compare=False)

    @property
    def components(self) -> tuple[ComponentSpec, ...]:
        """Permanences and processes together."""
        return self.permanences + self.processes

    def names(self, section: str) -> list[str]:
        """Return the names of a section's tables, those without a type and under a misspelt section too.

        What is there but wrong is one mistake already: it must not be missed a second time.
        """
        found: list[str] = []
        for key, table in self.data.items():
            here = key == section or (key not in TOP_KEYS and meant(key, TOP_KEYS) == section)
            found += table if here and isinstance(table, Mapping) else ()
        return found


def meant(word: str, known: Iterable[str]) -> str | None:
    """Return the nearest of the known words, or None.

    Example:
        >>> meant("parms", COMPONENT_KEYS)
        'params'
    """
    return next(iter(nearest(word, known)), None)
