"""The registry: which type names there are, who brings them, and what they stand for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from tipi_core.errors import ConfigError, MissingPackage, PluginError, TipiError, TrustError

PERMANENCE = "permanence"
PROCESS = "process"
DEFAULT_TRUST = ("torch.nn", "torch.optim", "torchvision.models", "timm")


@dataclass(frozen=True, slots=True)
class Entry:
    """One name: its kind, who owns it, and its target, an object or a ``"module:attr"`` string.

    ``cures`` holds the pip command for each optional package of the owner.
    """

    kind: str
    name: str
    target: Any
    owner: str
    cures: Mapping[str, str] = field(default_factory=dict)

    def load(self) -> Any:
        """Return the object, importing it if the target is a string.

        Raises:
            MissingPackage: It needs a package that is not installed.
            PluginError: The target does not import, or has no such attribute.
        """
        if not isinstance(self.target, str):
            return self.target
        try:
            return import_target(self.target)
        except ModuleNotFoundError as error:
            if error.name is None or f"{self.target.partition(':')[0]}.".startswith(f"{error.name}."):
                raise self._broken(error) from error
            cure = self.cures.get(str(error.name), f"pip install {error.name}")
            raise MissingPackage(f"{self.kind} {self.name!r} needs the package {error.name!r}", hint=cure) from error
        except TipiError:
            raise
        except (Exception, SystemExit) as error:
            raise self._broken(error) from error

    def _broken(self, error: BaseException) -> PluginError:
        what = f"plugin {self.owner!r} names {self.target!r} for {self.kind} {self.name!r}, and it does not import"
        what = f"{what}: {type(error).__name__}: {error}"
        return PluginError(what, hint=f"update or remove the plugin {self.owner!r}")


class Registry:
    """Names by kind: ``permanence``, ``process`` and any resource kind such as ``model`` or ``dataset``.

    Example:
        >>> registry = Registry().owned_by("mine")
        >>> registry.permanence("Clock", "time:monotonic")
        >>> registry.get("permanence", "Clock").owner
        'mine'
    """

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str], list[Entry]] = {}
        self._owner = "core"
        self._cures: Mapping[str, str] = {}

    def owned_by(self, owner: str, cures: Mapping[str, str] | None = None) -> Registry:
        """Return a view of this registry whose additions belong to ``owner``, with its pip commands."""
        view = Registry()
        view._entries, view._owner, view._cures = self._entries, owner, cures or {}
        return view

    def permanence(self, name: str, target: Any) -> None:
        """Name a permanence type: a class, function or generator function, or ``"module:attr"``."""
        self.resource(PERMANENCE, name, target)

    def process(self, name: str, target: Any) -> None:
        """Name a process type: a :class:`PipelineProcess` class or a function, or ``"module:attr"``."""
        self.resource(PROCESS, name, target)

    def resource(self, kind: str, name: str, target: Any) -> None:
        """Name anything else that configs may ask for, such as a ``model``.

        Raises:
            TypeError: Kind or name is no text.
        """
        if not isinstance(kind, str) or not isinstance(name, str):
            raise TypeError(f"a type's kind and name are texts, not {kind!r} and {name!r}")
        self._entries.setdefault((kind, name), []).append(Entry(kind, name, target, self._owner, self._cures))

    def get(self, kind: str, name: str) -> Entry | None:
        """Return the entry of that kind and name, or None.

        Raises:
            ConfigError: Two plugins bring the same name.
        """
        entries = self._entries.get((kind, name), [])
        if len(entries) > 1:
            owners = " and ".join(repr(entry.owner) for entry in entries)
            raise ConfigError(
                f"{kind} type {name!r} is brought by the plugins {owners}",
                hint=f"block one of them: TIPI_BLOCK={entries[-1].owner}",
            )
        return entries[0] if entries else None

    def names(self, kind: str) -> list[str]:
        """Return the names of one kind, sorted."""
        return sorted(name for entry_kind, name in self._entries if entry_kind == kind)

    def targets(self, name: str) -> list[Any]:
        """Return what a name stands for as a permanence and as a process, from every plugin that brings it."""
        return [entry.target for kind in (PERMANENCE, PROCESS) for entry in self._entries.get((kind, name), ())]

    def entries(self) -> list[Entry]:
        """Return every entry, sorted by kind and name."""
        return sorted((e for group in self._entries.values() for e in group), key=lambda e: (e.kind, e.name, e.owner))


def import_target(target: str) -> Any:
    """Return what ``"module:attr"`` names, attribute by attribute; ``"module:"`` alone is an error.

    Raises:
        ImportError: The module does not import.
        AttributeError: It has no such attribute.
    """
    from importlib import import_module

    module, _, path = target.partition(":")
    value: Any = import_module(module)
    for part in path.split("."):
        value = getattr(value, part)
    return value


def reach(module: ModuleType, path: str, target: str, trusted: Callable[[str], bool], own: bool) -> Any:
    """Return an attribute of a trusted module, without leaving trusted code on the way to it.

    Args:
        module: The module, imported.
        path: Names and dots.
        target: The whole import string, for the error.
        trusted: Whether a module of that name may be reached.
        own: Whether the module is the project's own, which may hand on what it imported from elsewhere.

    Raises:
        AttributeError: There is no such attribute.
        TrustError: The path leads through, or to, a module that is not trusted, such as ``os`` in ``mine:os.system``.
    """
    value: Any = module
    for part in path.split("."):
        value = getattr(value, part)
        if isinstance(value, ModuleType) and not trusted(value.__name__):
            raise TrustError(f"{target!r} leads into {value.__name__!r}, which is not trusted", hint=_THROUGH)
    home = getattr(value, "__module__", None)
    exported = own or path in getattr(module, "__all__", ())
    if not exported and isinstance(home, str) and home.partition(".")[0] != module.__name__.partition(".")[0]:
        raise TrustError(f"{target!r} is code of {home!r}, which is not trusted", hint=_THROUGH)
    return value


_THROUGH = "name what it defines itself"


def is_trusted(module: str, own: Iterable[str], trust: Iterable[str]) -> bool:
    """Return whether a module's name begins with a trusted prefix."""
    return any(module == prefix or module.startswith(f"{prefix}.") for prefix in (*own, *trust, *DEFAULT_TRUST))


def check_trust(target: str, own: Iterable[str], trust: Iterable[str], *, where: str | None, file: str) -> None:
    """Check, as text, that an import string names code that configs may import.

    Args:
        target: The string, ``"module:attr"``.
        own: Top-level names of the project's and the plugins' own modules.
        trust: Prefixes that the project's own file trusts, besides the short default.
        where: The place of the string, for the error.
        file: The project's own file, for the cure.

    Raises:
        TrustError: It names anything else; nothing was imported.
    """
    module = target.partition(":")[0]
    if not is_trusted(module, own, trust):
        line = f'trust = ["{module.partition(".")[0]}"]'
        cure = f"if you trust it, put  {line}  into {file}"
        raise TrustError(
            f"{target!r} is neither the project's nor a plugin's code, so it was not imported",
            where=where,
            hint=cure if module else "write it as module:name",
        )
