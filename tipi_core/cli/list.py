"""``tipi list``: the pipelines of this project and of the plugins."""

from __future__ import annotations

from pathlib import Path

import click

from tipi_core.cli.options import json_option, project_option
from tipi_core.cli.output import print_json, print_table


@click.command("list", short_help="List the pipelines.")
@project_option
@json_option
def command(project: Path | None, as_json: bool) -> None:
    """List the pipelines of this project and of the plugins.

    \b
    tipi list
    tipi list --json
    """
    from tipi_core.config.reading import read_pipeline
    from tipi_core.errors import TipiError
    from tipi_core.project.pipelines import list_pipelines
    from tipi_core.project.settings import open_project

    here = open_project(project)
    rows = []
    for name, path in list_pipelines(here).items():
        try:
            config, problems = read_pipeline(name, path)
            text, status = config.description, "ok" if not problems else f"{len(problems)} problems"
        except TipiError as error:
            text, status = error.what, "unreadable"
        own = here.root is not None and path.is_relative_to(here.root)
        file = path.relative_to(here.root) if own and here.root is not None else path
        rows.append({"name": name, "status": status, "description": text, "file": str(file), "packaged": not own})
    if as_json:
        print_json(rows)
    else:
        print_table(["name", "status", "description", "file"], [list(row.values())[:4] for row in rows])
