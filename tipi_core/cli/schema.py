"""``tipi schema``: a JSON Schema of pipeline files, for editors."""

from __future__ import annotations

from pathlib import Path

import click

from tipi_core.cli.options import open_resolver, project_option
from tipi_core.cli.output import print_json


@click.command("schema", short_help="Print a JSON Schema for editors.")
@click.option("--output", type=click.Path(path_type=Path), help="Write it to this file.")
@project_option
def command(output: Path | None, project: Path | None) -> None:
    """Print a JSON Schema of pipeline files: the types of this project and of the plugins, with their parameters.

    An editor with TOML support completes and checks a config whose first line is `#:schema FILE`.

    \b
    tipi schema
    tipi schema --output configs/schema.json
    """
    import json

    from tipi_core.errors import StorageError
    from tipi_core.plan import known_types, make_schema

    schema = make_schema(known_types(open_resolver(project)))
    if output is None:
        print_json(schema)
        return
    try:
        output.write_text(f"{json.dumps(schema, indent=2, default=str)}\n", encoding="utf-8")
    except OSError as error:
        raise StorageError(f"cannot write {output}: {error.strerror}", hint="choose another --output") from None
    click.echo(f"#:schema {output.name}")
