"""``tipi plugins``: which plugins there are, and what is wrong with those that do not work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from tipi_core.cli.options import json_option
from tipi_core.cli.output import print_json, print_table
from tipi_core.errors import did_you_mean

if TYPE_CHECKING:
    from tipi_core.plugins import PluginHost


@click.command("plugins", short_help="List the plugins.")
@json_option
def command(as_json: bool) -> None:
    """List every installed plugin: package, version, what it provides, status, cause and cure.

    \b
    tipi plugins
    TIPI_BLOCK=wandb tipi plugins
    """
    from tipi_core.plugins.finding import Selection
    from tipi_core.project.settings import open_project

    rows = describe_plugins()
    if as_json:
        print_json(rows)
        return
    columns = ["name", "package", "version", "status", "provides"]
    cells = [[*(row[c] for c in columns[:4]), _in_short(row["provides"])] for row in rows]
    print_table(columns, cells, below=["provides"])
    names = [row["name"] for row in rows]
    here = open_project()
    for stranger in Selection.from_environment(here.blocked).strangers(names):
        source = here.file if stranger in here.blocked else "TIPI_BLOCK or TIPI_PLUGINS"
        hint = did_you_mean(stranger, names)
        click.echo(f"{source}: no plugin {stranger!r}" + (f", {hint}" if hint else ""), err=True)
    for row in rows:
        if row["cause"]:
            cure = f"; {row['cure']}" if row["cure"] else ""
            click.echo(f"{row['name']} ({row['package']} {row['version']}): {row['cause']}{cure}")


def _in_short(provided: list[str]) -> str:
    """Return what a plugin provides by kind, its hooks last; ``tipi_register`` only says the rest.

    Example:
        >>> _in_short(["tipi_log", "tipi_register", "model mlp", "model tiny"])
        'model mlp, tiny; hooks log'
    """
    kinds: dict[str, list[str]] = {}
    for word in sorted(provided, key=lambda word: " " not in word):
        kind, _, name = word.rpartition(" ")
        if name != "tipi_register":
            kinds.setdefault(kind or "hooks", []).append(name if kind else name.removeprefix("tipi_"))
    return "; ".join(f"{kind} {', '.join(names)}" for kind, names in kinds.items())


def describe_plugins() -> list[dict[str, Any]]:
    """Return a record for each installed plugin."""
    from tipi_core.plugins import PluginHost
    from tipi_core.project.settings import open_project

    host = PluginHost.load(block=open_project().blocked)
    host.registry.entries()  # a plugin that cannot name what it brings fails here, and its row says so
    return [
        {
            "name": plugin.found.name,
            "package": plugin.found.package,
            "version": plugin.found.version,
            "status": plugin.status,
            "provides": _provided(host, plugin.found.name) if plugin.plugin is not None else [],
            "cause": plugin.cause,
            "cure": plugin.cure,
        }
        for plugin in host.plugins
    ]


def _provided(host: PluginHost, name: str) -> list[str]:
    entries = host.registry.entries()
    return host.hooks_of(name) + [f"{entry.kind} {entry.name}" for entry in entries if entry.owner == name]
