"""What a plugin itself checks of its types' parameters, such as a folder that must be there; it imports little."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tipi_core.components.signature import Mistake
from tipi_core.plan.resolving import Resolved, Resolver

KIND = "check"  # of the resources that plugins register: the type's name to a function of parameters and root


def check_by_owner(resolved: Resolved, resolver: Resolver) -> Iterator[Mistake]:
    """Yield what the plugin that brings the component's type finds wrong with its parameters.

    Where a parameter refers to something that only the run knows, such as ``${run:dir}``, nothing is checked.
    """
    spec = resolved.spec
    entry = resolver.host.registry.get(KIND, spec.type) if resolved.entry is not None else None
    if entry is None or resolved.entry is None or entry.owner != resolved.entry.owner or "${" in str(spec.params):
        return
    root = resolver.project.root or Path.cwd()
    try:
        found = [Mistake(*problem) for problem in entry.load()(spec.params, root)]
    except Exception:  # a check that fails tells nothing: the type itself will say what is wrong
        return
    yield from found
