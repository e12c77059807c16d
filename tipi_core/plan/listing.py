"""Listing: every type that a config may name, read from source, nothing imported."""

from __future__ import annotations

from dataclasses import dataclass

from tipi_core.components.signature import Signature
from tipi_core.plan.resolving import Resolver
from tipi_core.registry import PERMANENCE, PROCESS, Entry
from tipi_core.sources import read_definition


@dataclass(frozen=True, slots=True)
class KnownType:
    """One type: its kind, name, owner, place, what it takes, and the first line of its docstring."""

    kind: str
    name: str
    owner: str
    where: str
    signature: Signature
    doc: str | None = None


def known_types(resolver: Resolver) -> list[KnownType]:
    """Return the project's types and the plugins', the project's first; of one name the project's alone."""
    found = [
        KnownType(d.role, d.name, "project", d.where, d.signature, _first_line(d.doc))
        for d in (resolver.tree.all() if resolver.tree is not None else [])
    ]
    own = {(known.kind, known.name) for known in found}
    entries = [entry for entry in resolver.host.registry.entries() if entry.kind in (PERMANENCE, PROCESS)]
    found += [_of_entry(entry) for entry in entries if (entry.kind, entry.name) not in own]
    return sorted(found, key=lambda known: (known.owner != "project", known.owner, known.kind, known.name))


def _of_entry(entry: Entry) -> KnownType:
    definition = read_definition(entry.target) if isinstance(entry.target, str) else None
    if definition is None:
        return KnownType(entry.kind, entry.name, entry.owner, str(entry.target), Signature(open=True))
    doc = _first_line(definition.doc)
    return KnownType(entry.kind, entry.name, entry.owner, definition.where, definition.signature, doc)


def _first_line(doc: str | None) -> str | None:
    return doc.strip().partition("\n")[0] if doc and doc.strip() else None
