"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tipi_core.cli.completing import complete_keys, complete_pipelines, complete_plugins

if TYPE_CHECKING:
    from tipi_core.plan import Resolver

project_option = click.option(
    "--project",
    type=click.Path(path_type=Path),
    help="The project's folder; without it, the nearest folder around here with tipi.toml, [tool.tipi] or configs/.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
debug_option = click.option("--debug", is_flag=True, help="Show the full traceback of an error.")


def override_words(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command ``words``: the words after its arguments, and those of ``--set``, in one list."""
    words = click.argument(
        "words", nargs=-1, metavar="[KEY=VALUE]...", callback=_with_set, shell_complete=complete_keys
    )
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


def load_host(no_plugins: bool, words: tuple[str, ...], project: Path | None) -> Any:
    """Return the plugins that ``--no-plugins`` and ``-P no:NAME`` leave, or None for all of them.

    Raises:
        UsageError: A word is not ``no:NAME``, or there is no plugin of that name.
    """
    if not no_plugins and not words:
        return None
    from tipi_core.errors import UsageError, did_you_mean
    from tipi_core.plugins import PluginHost, find_plugins
    from tipi_core.project.settings import open_project

    known = [plugin.name for plugin in find_plugins()]
    for word in words:
        if not word.startswith("no:"):
            raise UsageError(f"-P {word}: only plugins can be left out", hint=f"write -P no:{word}")
        if word[3:] not in known:
            raise UsageError(f"-P {word}: no such plugin", hint=did_you_mean(word[3:], known, "plugins"))
    block = [*(word.removeprefix("no:") for word in words), *open_project(project).blocked]
    return PluginHost.load(block=block, only=[] if no_plugins else None)


def open_resolver(project: Path | None) -> Resolver:
    """Return what finds types: the project's around here and the plugins' that it does not block."""
    from tipi_core.plan import Resolver
    from tipi_core.plugins import PluginHost
    from tipi_core.project.settings import open_project

    here = open_project(project)
    return Resolver(here, PluginHost.load(block=here.blocked))


no_plugins_option = click.option("--no-plugins", is_flag=True, help="Load no plugin at all.")
without_option = click.option(
    "-P",
    "without",
    multiple=True,
    metavar="no:NAME",
    shell_complete=complete_plugins,
    help="Leave out the plugin NAME; may be given several times.",
)
pipeline_argument = click.argument("name", shell_complete=complete_pipelines)
