"""``tipi remove``: take a permanence or a process out of a pipeline's file."""

from __future__ import annotations

from pathlib import Path

import click

from tipi_core.cli.completing import complete_pipelines, complete_tables
from tipi_core.cli.options import project_option
from tipi_core.errors import UsageError, did_you_mean


@click.command("remove", short_help="Remove a permanence or a process.")
@click.argument("kind", type=click.Choice(["permanence", "process"]))
@click.argument("name", shell_complete=complete_tables)
@click.option("--pipeline", help="The pipeline, where there are several.", shell_complete=complete_pipelines)
@project_option
def command(kind: str, name: str, pipeline: str | None, project: Path | None) -> None:
    """Remove the table NAME; nothing is written where something else needs it.

    \b
    tipi remove process testing
    tipi remove permanence data --pipeline my_pipeline
    """
    import tomllib

    from tipi_core.cli.editing import find_file, write_checked
    from tipi_core.config.editing import remove_table

    pipeline_name, path = find_file(pipeline, project)
    section = "permanences" if kind == "permanence" else "processes"
    text = path.read_text(encoding="utf-8-sig")
    names = tomllib.loads(text).get(section, {})
    if name not in names:
        raise UsageError(f"{path} has no {kind} {name!r}", hint=did_you_mean(name, names, "it has"))
    write_checked(pipeline_name, path, remove_table(text, section, name), project)
    click.echo(f"{path}: removed [{section}.{name}]")
