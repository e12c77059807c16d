"""Finding plugins: which entry points are installed, and which of them this process wants."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

from tipi_core.installed import InstalledEntry, find_entries

GROUP = "tipi"
OWN = "torch-tipi"


@dataclass(frozen=True, slots=True)
class FoundPlugin:
    """An installed plugin, known from metadata alone: nothing of it is imported."""

    name: str
    package: str
    version: str
    entry: InstalledEntry


def find_plugins() -> list[FoundPlugin]:
    """Return the plugins of all installed distributions, sorted by name; of one name, tipi's own comes first.

    Example:
        >>> [plugin.name for plugin in find_plugins()][:2]
        ['builtin', 'cpu']
    """
    found = [FoundPlugin(entry.name, entry.package, entry.version, entry) for entry in find_entries(GROUP)]
    return sorted(found, key=lambda plugin: (plugin.name, plugin.package != OWN, plugin.package, plugin.entry.value))


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

    def strangers(self, names: Iterable[str]) -> list[str]:
        """Return the names chosen or blocked that are not among ``names``, the installed plugins."""
        return sorted((self.block | (self.only or frozenset())) - frozenset(names))

    def reason_against(self, name: str) -> tuple[str, str] | None:
        """Return why the plugin of that name is not to be loaded and what would load it, or None."""
        if name in self.block:
            return "blocked by name", "take it out of TIPI_BLOCK, or of plugins in the project's file"
        if self.only is not None and name not in self.only:
            return "not among TIPI_PLUGINS", "add it to TIPI_PLUGINS, or unset that"
        return None


def _names(text: str) -> frozenset[str]:
    return frozenset(word.strip().removeprefix("no:") for word in text.split(",") if word.strip())
