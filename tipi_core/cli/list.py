"""``tipi list``: the pipelines of this project and of the plugins."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tipi_core.cli.options import json_option, project_option
from tipi_core.cli.output import print_json, print_table, short_place

if TYPE_CHECKING:
    from tipi_core.plan import Resolver


@click.command("list", short_help="List the pipelines.")
@project_option
@json_option
def command(project: Path | None, as_json: bool) -> None:
    """List the pipelines of this project and of the plugins, each checked as `tipi validate` checks it.

    \b
    tipi list
    tipi list --json
    """
    from tipi_core.cli.options import open_resolver
    from tipi_core.project.pipelines import list_pipelines

    resolver = open_resolver(project)
    rows = [_describe(resolver, name, path) for name, path in list_pipelines(resolver.project).items()]
    if as_json:
        print_json(rows)
    else:
        cells = [[row[key] for key in ("name", "status", "description")] for row in rows]
        places = [
            "packaged" if row["packaged"] else short_place(str(resolver.project.root / row["file"])) for row in rows
        ]
        print_table(["name", "status", "description", "file"], [[*c, p] for c, p in zip(cells, places, strict=True)])


def _describe(resolver: Resolver, name: str, path: Path) -> dict[str, Any]:
    from tipi_core.config.reading import read_pipeline
    from tipi_core.errors import TipiError
    from tipi_core.plan import make_plan

    try:
        config, problems = read_pipeline(name, path)
        text, count = config.description, len(make_plan(config, resolver, problems).problems)
        status = "ok" if not count else f"{count} problem{'s' if count > 1 else ''}"
    except TipiError as error:
        text, status = error.what, "unreadable"
    root = resolver.project.root
    file = path.relative_to(root) if root is not None and path.is_relative_to(root) else None
    shown = path if file is None else file
    return {"name": name, "status": status, "description": text, "file": str(shown), "packaged": file is None}
