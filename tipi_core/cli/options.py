"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path

import click

project_option = click.option(
    "--project",
    type=click.Path(path_type=Path),
    help="The project's folder; without it, the nearest folder around here with tipi.toml, [tool.tipi] or configs/.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
debug_option = click.option("--debug", is_flag=True, help="Show the full traceback of an error.")
