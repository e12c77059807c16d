"""``tipi info``: versions, project, records, plugins and devices, without importing torch."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from tipi_core.cli.options import json_option, project_option
from tipi_core.cli.output import print_json

PACKAGES = ("torch-tipi", "torch", "numpy", "torchvision", "wandb", "rich", "pluggy", "click", "msgspec", "tomlkit")


@click.command("info", short_help="Show versions, project, plugins and devices.")
@project_option
@json_option
def command(project: Path | None, as_json: bool) -> None:
    """Show what tipi sees here, for a bug report or a first look.

    \b
    tipi info
    tipi info --json
    """
    facts = _facts(project)
    if as_json:
        print_json(facts)
        return
    for title, value in facts.items():
        text = ", ".join(f"{key} {item}" for key, item in value.items()) if isinstance(value, dict) else value
        _print_fact(title, ", ".join(text) if isinstance(text, list) else str(text))


def _print_fact(title: str, text: str) -> None:
    """Print one fact; on a terminal its lines stand below each other."""
    import shutil

    from tipi_core.cli.tables import wrap

    width = shutil.get_terminal_size((80, 24)).columns - 10 if sys.stdout.isatty() else len(text)
    for number, line in enumerate(wrap(text, max(width, 20))):
        click.echo(f"{click.style(f'{title:9}', bold=True)} {line}" if number == 0 else f"{'':9} {line}")


def _facts(project: Path | None) -> dict[str, Any]:
    import platform

    from tipi_core.plugins import PluginHost
    from tipi_core.project.settings import open_project, runs_folder

    here = open_project(project)
    host = PluginHost.load(block=here.blocked)
    return {
        "python": f"{platform.python_version()} ({sys.executable})",
        "system": platform.platform(),
        "packages": _versions(),
        "project": str(here.root) if here.root else "none around this folder",
        "records": str(runs_folder(here.root or Path.cwd())),
        "plugins": {plugin.found.name: plugin.status for plugin in host.plugins},
        "devices": [device.label for device in host.list_devices()] or ["none found without torch"],
    }


def _versions() -> dict[str, str]:
    from tipi_core.installed import find_versions

    return dict.fromkeys(PACKAGES, "-") | find_versions(PACKAGES)
