"""Entry points of the installed distributions, read from their folders: ``importlib.metadata`` takes 25 ms to begin."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.machinery import PathFinder
from typing import Any

ENDINGS = (".dist-info", ".egg-info")
UNKNOWN = "?"

_VALUE = re.compile(r"([\w.]+)\s*(?::\s*([\w.]+)\s*)?(?:\[.*\]\s*)?$")


@dataclass(frozen=True, slots=True)
class InstalledEntry:
    """One entry point: its name, what it names (``module`` or ``module:attr``), and which distribution brings it."""

    name: str
    value: str
    package: str = field(default=UNKNOWN, compare=False)
    version: str = field(default=UNKNOWN, compare=False)

    @property
    def module(self) -> str:
        """The module that it names."""
        return self.value.partition(":")[0].partition("[")[0].strip()

    def load(self) -> Any:
        """Return the object that it names, importing its module.

        Raises:
            ImportError: It names no module; or whatever the import raises.
        """
        from importlib import import_module

        parts = _VALUE.match(self.value)
        if parts is None:
            raise ImportError(f"{self.value!r} is neither a module nor module:attr")
        value: Any = import_module(parts[1])
        for name in filter(None, (parts[2] or "").split(".")):
            value = getattr(value, name)
        return value


def find_entries(group: str) -> list[InstalledEntry]:
    """Return the entry points of a group, sorted by name, then package: those that ``importlib.metadata`` finds.

    A distribution whose entry points cannot be read has none; it does not hide those of the others.

    Example:
        >>> [entry.value for entry in find_entries("tipi") if entry.name == "cpu"]
        ['tipi_plugins.devices.cpu']
    """
    found = _scan(group) if _is_plain() else _ask(group)
    return sorted(found, key=lambda entry: (entry.name, entry.package, entry.value))


def find_versions(packages: Iterable[str]) -> dict[str, str]:
    """Return the versions of those packages that are installed, in the order asked for.

    Example:
        >>> sorted(find_versions(["torch-tipi", "no-such-package"]))
        ['torch-tipi']
    """
    wanted = {_normal(package): package for package in packages}
    found = _look_up(wanted) if _is_plain() else _ask_versions(wanted)
    return {package: found[key] for key, package in wanted.items() if key in found}


def _is_plain() -> bool:
    """Return whether all distributions lie in folders on ``sys.path``: no zip file, no egg, no other finder."""
    finders = [finder for finder in sys.meta_path if hasattr(finder, "find_distributions")]
    return finders == [PathFinder] and not any(
        path.lower().rstrip("/\\").endswith(".egg") or os.path.isfile(path) for path in map(str, sys.path)
    )


def _look_up(wanted: Collection[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for folder, name in _distributions():
        key = _normal(name.rpartition(".")[0].partition("-")[0])
        if key in wanted and key not in found:
            found[key] = _describe(os.path.join(folder, name))[1]
    return found


def _scan(group: str) -> Iterator[InstalledEntry]:
    seen = set()
    for folder, name in _distributions():
        key = _normal(name.rpartition(".")[0].partition("-")[0])
        if key not in seen:  # as imports do, the first on sys.path hides the others of its name
            seen.add(key)
            yield from _entries(os.path.join(folder, name), group)


def _distributions() -> Iterator[tuple[str, str]]:
    for folder in map(str, sys.path):
        with suppress(OSError):
            yield from ((folder, name) for name in os.listdir(folder or ".") if name.lower().endswith(ENDINGS))


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _entries(folder: str, group: str) -> Iterator[InstalledEntry]:
    text = _read(os.path.join(folder, "entry_points.txt"))
    pairs = list(_pairs(text, group)) if group in text else []
    if pairs:
        package, version = _describe(folder)
        yield from (InstalledEntry(name, value, package, version) for name, value in pairs)


def _pairs(text: str, group: str) -> Iterator[tuple[str, str]]:
    section = None
    for line in map(str.strip, text.splitlines()):
        if line.startswith("[") and line.endswith("]"):
            section = line.strip("[]")
        elif section == group and "=" in line and not line.startswith("#"):
            name, _, value = line.partition("=")
            yield name.strip(), value.strip()


def _describe(folder: str) -> tuple[str, str]:
    """Return name and version from the head of a distribution's metadata."""
    text = _read(os.path.join(folder, "METADATA")) or _read(os.path.join(folder, "PKG-INFO"))
    found = dict(re.findall(r"^(Name|Version):[ \t]*(.*?)[ \t]*$", text.partition("\n\n")[0], re.MULTILINE))
    return found.get("Name", UNKNOWN), found.get("Version", UNKNOWN)


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (OSError, ValueError):
        return ""


def _ask_versions(wanted: Iterable[str]) -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    for key in wanted:
        with suppress(PackageNotFoundError):
            found[key] = version(key)
    return found


def _ask(group: str) -> Iterator[InstalledEntry]:
    from importlib.metadata import entry_points

    for entry in entry_points(group=group):
        name, version = (entry.dist.name, entry.dist.version) if entry.dist else (UNKNOWN, UNKNOWN)
        yield InstalledEntry(entry.name, entry.value, name, version)
