"""Roles: the permanences and results that a process asks for by name, checked against what the config has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tipi_core.config.model import PipelineConfig
from tipi_core.errors import ConfigError, nearest
from tipi_core.plan.providing import Providers
from tipi_core.plan.resolving import Resolved, Resolver
from tipi_core.registry import PERMANENCE, PROCESS


def missing_roles(config: PipelineConfig, resolved: Sequence[Resolved], resolver: Resolver) -> Iterator[ConfigError]:
    """Yield an error for each permanence or earlier result that a process surely asks for and that is not there."""
    providers, permanences, processes = Providers(config), config.names("permanences"), config.names("processes")
    for component in resolved:
        if component.spec.kind != PROCESS:
            continue
        for ask in component.definition.asks if component.definition else ():
            if ask.kind == PERMANENCE and ask.name not in providers.permanences:
                yield _no_permanence(component, ask.name, permanences, resolver)
            elif ask.kind == PROCESS and not providers.comes_before(ask.name, component.spec.name):
                yield _no_result(component, ask.name, processes)


def _no_permanence(component: Resolved, role: str, permanences: list[str], resolver: Resolver) -> ConfigError:
    spec = component.spec
    hits = nearest(role, permanences)
    types = [name for name in resolver.names(PERMANENCE) if name.casefold() == role.replace("_", "").casefold()]
    hint = f"add [permanences.{role}]" + (f' with type = "{types[0]}"' if types else "")
    if hits:
        hint = f"did you mean {role!r} where it says {hits[0]!r}? else {hint}"
    what = f"{_owner(component)} needs a permanence {role!r}, and there is none"
    return spec.layers.error(spec.path, what, hint)


def _no_result(component: Resolved, name: str, names: list[str]) -> ConfigError:
    spec = component.spec
    hits = nearest(name, [other for other in names if other != spec.name])
    hint = f"add [processes.{name}] before it"
    if name in names:
        hint = f"move [processes.{name}] before [processes.{spec.name}]"
    elif hits:
        hint = f"did you mean {name!r} where it says {hits[0]!r}? else {hint}"
    what = f"{_owner(component)} needs the result of a process {name!r}, and none comes before it"
    return spec.layers.error(spec.path, what, hint)


def _owner(component: Resolved) -> str:
    return component.spec.type.rpartition(":")[2]
