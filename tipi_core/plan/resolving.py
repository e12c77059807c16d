"""Resolving types: what each ``type =`` names, found as text wherever source can be read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tipi_core.components.signature import GIVEN, Signature
from tipi_core.config.model import ComponentSpec
from tipi_core.errors import ConfigError, did_you_mean
from tipi_core.plugins import PluginHost
from tipi_core.project.importing import ProjectImports
from tipi_core.project.settings import Project, is_own_project
from tipi_core.registry import PROCESS, Entry, check_trust, is_trusted, reach
from tipi_core.sources import Definition, SourceTree, import_roots, read_definition
from tipi_core.sources.tree import MAYBE

MOST_NAMES = 3


@dataclass(frozen=True, slots=True)
class Resolved:
    """A component with its type found.

    Attributes:
        spec: The component.
        owner: Who brings the type: ``project``, a plugin's name, ``import`` or ``types``.
        where: Where it is defined, as ``file:line`` or ``module:attr``.
        signature: What it takes, as far as is known before it is imported.
        is_class: Whether it is a class; None when only the import can tell.
        definition: Its definition in source, if that was read.
        entry: Its entry in the registry, for plugin and hand-registered types.
    """

    spec: ComponentSpec
    owner: str
    where: str
    signature: Signature
    is_class: bool | None = None
    definition: Definition | None = None
    entry: Entry | None = None


class Resolver:
    """Finds what type names stand for.

    Args:
        project: The project; its own types win.
        host: The plugins.
        types: Types registered by hand; they win over everything.
    """

    def __init__(self, project: Project, host: PluginHost, types: Mapping[str, Any] | None = None) -> None:
        self.project = project
        self.host = host
        self.types = dict(types or {})
        self._definitions: dict[str, Definition | None] = {}
        self.tree = SourceTree(project.root, is_own_project) if project.root is not None else None

    def resolve(self, spec: ComponentSpec) -> Resolved:
        """Return what the component's type names.

        Raises:
            ConfigError: Nothing, or two things; or its string names code that is not trusted.
        """
        if spec.type in self.types:
            return _by_hand(spec, self.types[spec.type])
        if ":" in spec.type:
            return self._imported(spec)
        return self._in_project(spec) or self._in_plugins(spec) or self._unknown(spec)

    def trust(self, target: str, where: str | None = None) -> None:
        """Check that an import string names code that this project may import.

        Raises:
            TrustError: It does not.
        """
        file = self.project.file or Path(self.project.root or ".") / "tipi.toml"
        check_trust(target, self._own_modules(), self.project.trust, where=where, file=str(file))

    def owns(self, module: str) -> bool:
        """Return whether a module is a file of the project."""
        return self.tree is not None and self.tree.module_path(module) is not None

    def trusts(self, module: str) -> bool:
        """Return whether code of a module may be named by a config."""
        return is_trusted(module, self._own_modules(), self.project.trust)

    def import_trusted(self, target: str) -> Any:
        """Return what an import string inside a parameter names, such as a model.

        Raises:
            TrustError: It names code that is not trusted; nothing was imported.
            ConfigError: It does not import.
        """
        self.trust(target)
        module, _, attr = target.partition(":")
        path = self.tree.module_path(module) if self.tree is not None else None
        try:
            found = ProjectImports(self.project.root).module(module, path)
            return reach(found, attr, target, self.trusts, own=path is not None)
        except (ImportError, AttributeError) as error:
            raise ConfigError(f"{target!r} does not import: {error}") from error

    def _imported(self, spec: ComponentSpec) -> Resolved:
        module, _, attr = spec.type.partition(":")
        if not module or not attr or not all(part.isidentifier() for part in f"{module}.{attr}".split(".")):
            raise _error(spec, f"type {spec.type!r} is no module:attr")
        self.trust(spec.type, spec.layers.place((*spec.path, "type")).where)
        definition = (self.tree and self.tree.describe(module, attr)) or self._read(spec.type)
        entry = Entry(spec.kind, spec.type, spec.type, "import")
        if definition is None:
            return Resolved(spec, "import", spec.type, Signature(open=True), entry=entry)
        return Resolved(spec, "import", definition.where, definition.signature, definition.is_class, definition, entry)

    def _in_project(self, spec: ComponentSpec) -> Resolved | None:
        if self.tree is None:
            return None
        found = [definition for definition in self.tree.find(spec.type) if not self._is_plugins(spec, definition)]
        fitting = [definition for definition in found if definition.role == spec.kind]
        if not fitting and spec.type not in self.host.registry.names(spec.kind):
            fitting = [definition for definition in found if definition.role == MAYBE]
        if len(fitting) > 1:
            places = " and ".join(definition.where for definition in fitting)
            raise _error(spec, f"type {spec.type!r} is defined twice: {places}", "rename one, or write module:attr")
        if not fitting and any(definition.role != MAYBE for definition in found):
            raise _error(spec, f"{spec.type!r} is a {found[0].role} ({found[0].where}), not a {spec.kind}")
        if not fitting:
            return None
        definition = fitting[0]
        return Resolved(spec, "project", definition.where, definition.signature, definition.is_class, definition)

    def _is_plugins(self, spec: ComponentSpec, definition: Definition) -> bool:
        """Return whether a definition found in the project is a plugin's, whose source happens to lie there."""
        target = f"{definition.module}:{definition.attr}"
        return target in self.host.registry.targets(spec.type)

    def _in_plugins(self, spec: ComponentSpec) -> Resolved | None:
        try:
            entry = self.host.registry.get(spec.kind, spec.type)
        except ConfigError as error:
            raise _error(spec, error.what, error.hint) from None
        if entry is None:
            return None
        definition = self._read(entry.target) if isinstance(entry.target, str) else None
        if definition is None:
            return _by_entry(spec, entry)
        return Resolved(
            spec, entry.owner, definition.where, definition.signature, definition.is_class, definition, entry
        )

    def _unknown(self, spec: ComponentSpec) -> Resolved:
        unmarked = self.tree.unmarked(spec.type) if self.tree is not None and spec.kind == PROCESS else []
        if unmarked:
            hint = f"{unmarked[0].where} defines it without the decorator @pipeline_process"
            raise _error(spec, f"unknown process type {spec.type!r}", hint)
        hint = did_you_mean(spec.type, self.names(spec.kind), "known here") or "write module:attr, or define it"
        failed = [plugin.found.name for plugin in self.host.plugins if plugin.status in ("failed", "blocked")]
        if failed and not hint.startswith("did you mean"):
            names = ", ".join(failed) if len(failed) <= MOST_NAMES else f"{len(failed)} plugins"
            hint += f" (not loaded: {names}; see tipi plugins)"
        broken = ", ".join(map(str, self.tree.broken)) if self.tree is not None else ""
        if broken:
            hint += f" (could not read: {broken})"
        raise _error(spec, f"unknown {spec.kind} type {spec.type!r}", hint)

    def _read(self, target: str) -> Definition | None:
        if target not in self._definitions:
            self._definitions[target] = read_definition(target)
        return self._definitions[target]

    def names(self, kind: str) -> list[str]:
        """Return every type name of a kind: by hand, the project's, the plugins'."""
        own = [d.name for d in self.tree.all() if d.role == kind] if self.tree is not None else []
        return sorted({*self.types, *own, *self.host.registry.names(kind)})

    def _own_modules(self) -> Iterator[str]:
        yield "tipi"
        for plugin in self.host.plugins:
            if plugin.plugin is not None:
                yield plugin.found.entry.value.partition(":")[0].partition(".")[0]
        roots = import_roots(self.project.root) if self.project.root is not None else []
        for path in self.tree.files() if self.tree is not None else ():
            for root in roots:
                if path.is_relative_to(root):
                    yield path.relative_to(root).with_suffix("").parts[0]


def _by_hand(spec: ComponentSpec, target: Any) -> Resolved:
    return _by_entry(spec, Entry(spec.kind, spec.type, target, "types"))


def _by_entry(spec: ComponentSpec, entry: Entry) -> Resolved:
    if isinstance(entry.target, str):
        return Resolved(spec, entry.owner, entry.target, Signature(open=True), entry=entry)
    where = f"{getattr(entry.target, '__module__', '?')}:{getattr(entry.target, '__qualname__', entry.target)}"
    is_class = isinstance(entry.target, type)
    signature = Signature.of(entry.target, given_to(spec, is_class))
    return Resolved(spec, entry.owner, where, signature, is_class, entry=entry)


def given_to(spec: ComponentSpec, is_class: bool) -> tuple[str, ...]:
    """Return the parameters that the engine fills in for this kind of component."""
    return GIVEN if spec.kind == PROCESS and is_class else ("controller",)


def _error(spec: ComponentSpec, what: str, hint: str | None = None) -> ConfigError:
    return spec.layers.error((*spec.path, "type"), what, hint)
