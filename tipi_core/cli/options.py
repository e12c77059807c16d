"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

project_option = click.option(
    "--project",
    type=click.Path(path_type=Path),
    help="The project's folder; without it, the nearest folder around here with tipi.toml, [tool.tipi] or configs/.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
debug_option = click.option("--debug", is_flag=True, help="Show the full traceback of an error.")


def override_words(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command ``words``: the words after its arguments, and those of ``--set``, in one list."""
    words = click.argument("words", nargs=-1, metavar="[KEY=VALUE]...", callback=_with_set)
    option = click.option(
        "--set",
        "set_words",
        multiple=True,
        metavar="KEY=VALUE",
        is_eager=True,
        expose_value=False,
        callback=_keep_set,
        help="The same as a KEY=VALUE word; key+=VALUE appends, ~key removes.",
    )
    return words(option(command))


def _keep_set(context: click.Context, _: click.Parameter, value: tuple[str, ...]) -> None:
    context.meta["tipi.set"] = value


def _with_set(context: click.Context, _: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    return (*value, *context.meta.get("tipi.set", ()))
