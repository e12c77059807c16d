"""``tipi plugins``: which plugins there are, and what is wrong with those that do not work."""

from __future__ import annotations

from typing import Any

import click

from tipi_core.cli.options import json_option
from tipi_core.cli.output import print_json, print_table


@click.command("plugins", short_help="List the plugins.")
@json_option
def command(as_json: bool) -> None:
    """List every installed plugin: package, version, what it provides, status, cause and cure.

    \b
    tipi plugins
    TIPI_BLOCK=wandb tipi plugins
    """
    rows = describe_plugins()
    if as_json:
        print_json(rows)
        return
    columns = ["name", "package", "version", "status", "provides"]
    print_table(columns, [[", ".join(v) if isinstance(v := row[c], list) else v for c in columns] for row in rows])
    for row in rows:
        if row["cause"]:
            click.echo(f"{row['name']}: {row['cause']}" + (f"; {row['cure']}" if row["cure"] else ""))


def describe_plugins() -> list[dict[str, Any]]:
    """Return a record for each installed plugin."""
    from tipi_core.plugins import PluginHost

    host = PluginHost.load()
    entries = host.registry.entries()
    return [
        {
            "name": plugin.found.name,
            "package": plugin.found.package,
            "version": plugin.found.version,
            "status": plugin.status,
            "provides": host.hooks_of(plugin.found.name)
            + [f"{entry.kind} {entry.name}" for entry in entries if entry.owner == plugin.found.name],
            "cause": plugin.cause,
            "cure": plugin.cure,
        }
        for plugin in host.plugins
    ]
