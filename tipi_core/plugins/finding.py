"""Finding plugins: which entry points are installed, and which of them this process wants."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points

GROUP = "tipi"


@dataclass(frozen=True, slots=True)
class FoundPlugin:
    """An installed plugin, known from metadata alone: nothing of it is imported."""

    name: str
    package: str
    version: str
    entry: EntryPoint


def find_plugins() -> list[FoundPlugin]:
    """Return the plugins of all installed distributions, sorted by name; the first of a name wins.

    Example:
        >>> [plugin.name for plugin in find_plugins()][:2]
        ['builtin', 'cpu']
    """
    found: dict[str, FoundPlugin] = {}
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: (entry.name, entry.value)):
        package = entry.dist.name if entry.dist else "?"
        version = entry.dist.version if entry.dist else "?"
        found.setdefault(entry.name, FoundPlugin(entry.name, package, version, entry))
    return list(found.values())


@dataclass(frozen=True, slots=True)
class Selection:
    """Which plugins to load: ``only`` these names (None: all), but none of ``block``."""

    block: frozenset[str]
    only: frozenset[str] | None

    @classmethod
    def from_environment(cls, block: Iterable[str] = (), only: Iterable[str] | None = None) -> Selection:
        """Add ``TIPI_BLOCK`` and ``TIPI_PLUGINS`` (comma-separated names; empty loads none) to what is given."""
        wanted = os.environ.get("TIPI_PLUGINS")
        if only is None and wanted is not None:
            only = _names(wanted)
        blocked = frozenset(block) | _names(os.environ.get("TIPI_BLOCK", ""))
        return cls(blocked, None if only is None else frozenset(only))

    def reason_against(self, name: str) -> str | None:
        """Return why the plugin of that name is not to be loaded, or None."""
        if name in self.block:
            return "blocked by name"
        if self.only is not None and name not in self.only:
            return "not among TIPI_PLUGINS"
        return None


def _names(text: str) -> frozenset[str]:
    return frozenset(word.strip().removeprefix("no:") for word in text.split(",") if word.strip())
