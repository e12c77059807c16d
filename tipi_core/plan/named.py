"""Names inside parameters: models, datasets and whatever else an annotation marks with ``NameOf``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tipi_core.components.naming import NameOf, names_in
from tipi_core.components.signature import Mistake, Signature
from tipi_core.config.model import ComponentSpec
from tipi_core.errors import ConfigError, TipiError, TrustError, did_you_mean
from tipi_core.plan.resolving import Resolver
from tipi_core.registry import import_target


def check_names(signature: Signature, spec: ComponentSpec, resolver: Resolver) -> Iterator[Mistake]:
    """Yield a mistake for each name in the parameters that nothing here is called.

    Only what the marks name is imported to tell, and only when no plugin knows the name.
    """
    for parameter in signature.parameters:
        for mark, name in names_in(parameter.annotation, spec.params.get(parameter.name)):
            if "${" not in name:
                yield from _check(mark, name, parameter.name, resolver)


def _check(mark: NameOf, name: str, parameter: str, resolver: Resolver) -> Iterator[Mistake]:
    if ":" in name:
        try:
            resolver.trust(name)
        except TrustError as error:
            yield Mistake(parameter, error.what, error.hint)
        return
    try:
        if resolver.host.registry.get(mark.kind, name) is not None:
            return
    except ConfigError as error:  # two plugins bring it
        yield Mistake(parameter, error.what, error.hint)
        return
    own = _import_string(name, resolver.project.root)
    if own is not None:
        yield Mistake(parameter, f"there is no {mark.kind} {name!r}", f"did you mean {own!r}?")
        return
    known, missing, is_whole = _known_elsewhere(mark, name)
    if name in known or not is_whole:
        return
    choices = {*resolver.host.registry.names(mark.kind), *known}
    hint = did_you_mean(name, choices, None if known else f"{mark.kind}s here")
    if missing is not None and (hint is None or "did you mean" not in hint):
        yield Mistake(parameter, missing.what, missing.hint)
    else:
        yield Mistake(parameter, f"there is no {mark.kind} {name!r}", hint or "or write module:name")


def _import_string(name: str, root: Path | None) -> str | None:
    """Return how a name with a point is written where a module of the project is meant."""
    module, _, attribute = name.rpartition(".")
    if root is None or not re.fullmatch(r"(\w+\.)+\w+", name):
        return None
    place = root.joinpath(*module.split("."))
    is_own = place.with_name(f"{place.name}.py").is_file() or (place / "__init__.py").is_file()
    return f"{module}:{attribute}" if is_own else None


def _known_elsewhere(mark: NameOf, name: str) -> tuple[set[str], TipiError | None, bool]:
    """Return the names that ``more`` tells, the package that it misses, and whether it could tell at all."""
    found: set[str] = set()
    try:
        for one in import_target(mark.more)(name) if mark.more else ():
            found.add(one)
    except TipiError as error:
        return found, error, True
    except Exception:
        return found, None, False
    return found, None, True
