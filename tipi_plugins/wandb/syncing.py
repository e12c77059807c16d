"""The command ``tipi runs sync``: bring a record to W&B later; imported only when it is called."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click

from tipi.plugin import MissingPackage
from tipi.records import find_record
from tipi_plugins.wandb.files import SETTINGS, own_folder, read_json, write_json
from tipi_plugins.wandb.ladder import is_installed


@click.command("sync", short_help="Send a run to W&B.")
@click.argument("run", metavar="ID", default="latest")
@click.option("--runs", type=click.Path(path_type=Path), help="The folder of the records.")
def command(run: str, runs: Path | None) -> int:
    """Send the run ID to W&B: what W&B does not have yet, however often this is called.

    \b
    tipi runs sync
    tipi runs sync 3fa2
    """  # noqa: D301 - click's mark for lines that stay as they are
    if not is_installed():
        raise MissingPackage("W&B is not installed here", hint='pip install "torch-tipi[wandb]"')
    record = find_record(run, runs)
    file = own_folder(record.path) / SETTINGS
    settings = read_json(file)
    if settings.get("mode") not in (None, "online"):
        write_json(file, {**settings, "mode": "online"})  # what was written offline stays where it is
    relay = [sys.executable, "-P", "-m", "tipi_plugins.wandb.relay", "--all", str(record.path)]
    done = subprocess.run(relay, stdin=subprocess.DEVNULL, check=False)  # noqa: S603 - this Python, a path of ours
    return done.returncode
