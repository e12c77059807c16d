"""Making a plan: the order of permanences, and every parameter checked, before and after the import."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tipi_core.components.process import PipelineProcess
from tipi_core.components.signature import Signature, check_params
from tipi_core.config.interpolation import fill_in_run
from tipi_core.config.model import COMPONENT_KEYS, ComponentSpec, PipelineConfig, meant
from tipi_core.config.reading import raise_problems
from tipi_core.config.secrets import mask_text
from tipi_core.controller import Component
from tipi_core.errors import ConfigError, TipiError, TrustError
from tipi_core.plan.named import check_names
from tipi_core.plan.own_checks import check_by_owner
from tipi_core.plan.parts import Part, check_needs
from tipi_core.plan.providing import Providers
from tipi_core.plan.resolving import Resolved, Resolver, given_to
from tipi_core.plan.roles import missing_roles
from tipi_core.project.importing import ProjectImports
from tipi_core.registry import PERMANENCE, PROCESS, reach


@dataclass(frozen=True, slots=True)
class Plan:
    """What a pipeline will do.

    Attributes:
        config: The configuration.
        resolved: The components whose types were found, permanences in the order in which they are built, then
            processes in the order of the file.
        problems: Every mistake found so far.
        left_out: The processes that are not run this time, with the reason.
    """

    config: PipelineConfig
    resolved: tuple[Resolved, ...]
    problems: tuple[ConfigError, ...]
    left_out: Mapping[str, str] = field(default_factory=dict)

    @property
    def permanences(self) -> list[Resolved]:
        """The permanences, in the order in which they are built."""
        return [resolved for resolved in self.resolved if resolved.spec.kind == PERMANENCE]

    @property
    def processes(self) -> list[Resolved]:
        """The processes that are run, in the order of the file."""
        found = [resolved for resolved in self.resolved if resolved.spec.kind == PROCESS]
        return [resolved for resolved in found if resolved.spec.name not in self.left_out]

    def only(self, part: Part) -> Plan:
        """Return the plan that runs a part of the processes.

        Raises:
            UsageError: The part names what is not there, or needs the result of a process that is left out.
        """
        plan = replace(self, left_out=part.left_out([spec.name for spec in self.config.processes]))
        providers = Providers(self.config)
        for resolved in plan.processes if plan.left_out else ():
            plan.check_needs(resolved, resolved.signature, resolved.is_class, providers)
        return plan

    def check_needs(
        self, resolved: Resolved, signature: Signature, is_class: bool | None, providers: Providers
    ) -> None:
        """Check that a process needs no result of one that is left out; raises as :meth:`only` does."""
        asks = resolved.definition.asks if resolved.definition else ()
        results = [ask.name for ask in asks if ask.kind == PROCESS]
        filled = providers.fill(resolved.spec, is_class, [parameter.name for parameter in signature.parameters])
        check_needs(resolved.spec, signature, results, filled, self.left_out)

    def check(self) -> None:
        """Raise all problems together, if there are any."""
        raise_problems(self.problems, self.config.path)

    def in_run(self, facts: Mapping[str, str]) -> Plan:
        """Return the plan with its references to the run, such as ``${run:dir}``, filled in."""
        specs = {
            component.path: replace(component, params=fill_in_run(component.params, facts))
            for component in self.config.components
        }
        config = replace(
            self.config,
            permanences=tuple(specs[component.path] for component in self.config.permanences),
            processes=tuple(specs[component.path] for component in self.config.processes),
            data=fill_in_run(self.config.data, facts),
        )
        resolved = tuple(replace(component, spec=specs[component.spec.path]) for component in self.resolved)
        return replace(self, config=config, resolved=resolved)

    def load(self, imports: ProjectImports, resolver: Resolver) -> dict[tuple[str, str], Component]:
        """Import every type and check the parameters once more against what was imported.

        Raises:
            ConfigProblems: Something does not fit; nothing has been built.
            Exception: What a module of the user raised when it was imported, as it is.
        """
        problems: list[ConfigError] = []
        components = {}
        checker = _Checker(self.config, resolver)
        for resolved in (*self.permanences, *self.processes):
            spec = resolved.spec
            try:
                target = _load(resolved, imports, resolver)
            except ConfigError as error:
                problems.append(error)
                continue
            signature = Signature.of(target, given_to(spec, isinstance(target, type)))
            components[spec.kind, spec.name] = Component(spec, target, signature)
            if spec.kind == PROCESS:
                self.check_needs(resolved, signature, isinstance(target, type), checker.providers)
            problems += checker.mistakes(resolved, signature, isinstance(target, type))
        raise_problems(problems, self.config.path)
        return components


def make_plan(config: PipelineConfig, resolver: Resolver, problems: Sequence[ConfigError] = ()) -> Plan:
    """Resolve and check everything that can be checked without importing the user's code.

    Args:
        config: The configuration as read.
        resolver: Finds the types.
        problems: What reading found already.
    """
    found = list(problems)
    places = {problem.where for problem in found}
    resolved = []
    for spec in config.components:
        try:
            resolved.append(resolver.resolve(spec))
        except ConfigError as error:
            if error.where not in places:
                found.append(error)
    places |= {problem.where for problem in found}
    checker = _Checker(config, resolver)
    for component in resolved:
        mistakes = list(checker.mistakes(component, component.signature, component.is_class))
        if mistakes:
            known = places - {component.spec.where}
            found += [mistake for mistake in mistakes if mistake.where not in known]
    found += missing_roles(config, resolved, resolver)
    try:
        resolved = _in_order(resolved)
    except ConfigError as error:
        found.append(error)
    return Plan(config, tuple(resolved), tuple(found))


class _Checker:
    """Checks the parameters of each component of one config against a signature."""

    def __init__(self, config: PipelineConfig, resolver: Resolver) -> None:
        self.providers = Providers(config)
        self._config = config
        self._resolver = resolver

    def mistakes(self, resolved: Resolved, signature: Signature, is_class: bool | None) -> Iterator[ConfigError]:
        """Yield what is wrong with the component's parameters, at their places."""
        spec, config = resolved.spec, self._config
        provided = self.providers.fill(spec, is_class, [parameter.name for parameter in signature.parameters])
        owner = spec.type if ":" not in spec.type else spec.type.rpartition(":")[2]
        found = [*check_params(signature, spec.params, provided, owner), *check_names(signature, spec, self._resolver)]
        found = found or list(check_by_owner(resolved, self._resolver))
        for mistake in found:
            if mistake.name is not None or not _misspells_params(config, spec):
                keys = (*spec.path, "params", mistake.name, *mistake.inside) if mistake.name else spec.path
                yield spec.layers.error(keys, mask_text(mistake.what, config.secrets), mistake.hint)


def _misspells_params(config: PipelineConfig, spec: ComponentSpec) -> bool:
    """Return whether a key of the component's table seems to mean ``params``: that is one mistake already."""
    section, name = spec.path
    return any(
        key not in COMPONENT_KEYS and meant(key, COMPONENT_KEYS) == "params" for key in config.data[section][name]
    )


def _load(resolved: Resolved, imports: ProjectImports, resolver: Resolver) -> Any:
    spec = resolved.spec
    if resolved.entry is not None and resolved.owner != "import":
        target = resolved.entry.load()
    else:
        target = _import(resolved, imports, resolver)
    if isinstance(target, type):
        if spec.kind == PROCESS and not issubclass(target, PipelineProcess):
            hint = f"derive it from PipelineProcess: {resolved.where}"
            raise _error(spec, f"class {spec.type!r} is no PipelineProcess", hint)
    elif not callable(target):
        raise _error(spec, f"{spec.type!r} is neither a class nor a function but a {type(target).__name__}")
    return target


def _import(resolved: Resolved, imports: ProjectImports, resolver: Resolver) -> Any:
    spec, definition = resolved.spec, resolved.definition
    module, _, attr = spec.type.partition(":")
    path = None
    if definition is not None:
        module, attr, path = definition.module, definition.attr, definition.path
    try:
        found = imports.module(module, path)
    except ModuleNotFoundError as error:
        if error.name in (module, module.partition(".")[0]):
            raise _error(spec, f"type {spec.type!r} does not import: {error}") from None
        raise
    except TipiError as error:
        raise _error(spec, error.what, error.hint) from None
    try:
        return reach(found, attr, spec.type, resolver.trusts, resolver.owns(module))
    except AttributeError as error:
        raise _error(spec, f"type {spec.type!r} does not import: {error}") from None
    except TrustError as error:
        place = spec.layers.place((*spec.path, "type"))
        raise TrustError(error.what, where=place.where, hint=error.hint, source=place.source) from None


def _in_order(resolved: list[Resolved]) -> list[Resolved]:
    """Return permanences after those they need, otherwise in the order of the file; then the processes."""
    by_name = {component.spec.name: component for component in resolved if component.spec.kind == PERMANENCE}
    done: dict[str, Resolved] = {}
    for name in by_name:
        _visit(name, by_name, done, ())
    return [*done.values(), *(component for component in resolved if component.spec.kind == PROCESS)]


def _visit(name: str, by_name: dict[str, Resolved], done: dict[str, Resolved], chain: tuple[str, ...]) -> None:
    if name in chain:
        circle = " -> ".join((*chain[chain.index(name) :], name))
        spec = by_name[name].spec
        raise spec.layers.error(spec.path, f"permanences need each other in a circle: {circle}", "rename a parameter")
    if name in done:
        return
    spec = by_name[name].spec
    for needed in needs(by_name[name].signature, spec):
        if needed in by_name:
            _visit(needed, by_name, done, (*chain, name))
    done[name] = by_name[name]


def needs(signature: Signature, spec: ComponentSpec) -> list[str]:
    """Return the names that a permanence takes from others: its parameters that the config leaves open."""
    return [name for name in signature.names if name not in spec.params and name != spec.name]


def _error(spec: ComponentSpec, what: str, hint: str | None = None) -> ConfigError:
    return spec.layers.error((*spec.path, "type"), what, hint)
