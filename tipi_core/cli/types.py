"""``tipi types``: everything that ``type =`` may name, by owner."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tipi_core.cli.options import json_option, project_option
from tipi_core.cli.output import print_json, print_table, short_place

if TYPE_CHECKING:
    from tipi_core.plan import KnownType


@click.command("types", short_help="List everything that type = may name.")
@click.argument("kind", required=False, type=click.Choice(["permanence", "process"]))
@project_option
@json_option
def command(kind: str | None, project: Path | None, as_json: bool) -> None:
    """List the types of this project and of the plugins: what `type =` may name, with owner, place and parameters.

    \b
    tipi types
    tipi types process --json
    """
    from tipi_core.cli.options import open_resolver
    from tipi_core.plan import known_types

    found = [known for known in known_types(open_resolver(project)) if kind in (None, known.kind)]
    if as_json:
        print_json([_as_dict(known) for known in found])
        return
    print_table(
        ["kind", "name", "owner", "where", "parameters"],
        [[k.kind, k.name, k.owner, short_place(k.where), ", ".join(k.signature.names)] for k in found],
        below=["where", "parameters"],
    )


def _as_dict(known: KnownType) -> dict[str, Any]:
    return {
        "kind": known.kind,
        "name": known.name,
        "owner": known.owner,
        "where": known.where,
        "doc": known.doc,
        "parameters": {
            parameter.name: {"required": parameter.required, "default": parameter.default}
            for parameter in known.signature.parameters
            if parameter.name in known.signature.names
        },
    }
