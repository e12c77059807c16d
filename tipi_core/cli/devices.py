"""``tipi devices``: every device with its memory, its load and who has it, and the one that a run would take."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from tipi_core.cli.options import json_option
from tipi_core.cli.output import print_json, print_table, terminal_width

if TYPE_CHECKING:
    from tipi_core.devices.current import RunDevices

COLUMNS = ["device", "name", "free", "total", "use", "temp", "processes", "taken by"]
NARROW = 56  # columns below which load and temperature stand below their device too


@click.command("devices", short_help="List the devices, and the one that a run would take.")
@json_option
@click.option("--watch", type=click.FloatRange(min=0.1), metavar="SECONDS", help="Show it again, until Ctrl-C.")
def command(as_json: bool, watch: float | None) -> None:
    """List every device: memory free on the whole device, load, temperature, and which of your runs holds it.

    \b
    tipi devices
    tipi devices --json
    tipi devices --watch 2
    """
    devices = open_devices()
    show = _print_json if as_json else _print_table
    show(describe_devices(devices))
    if watch is not None:
        _repeat(devices, show, watch)


def open_devices() -> RunDevices:
    """Return the devices as a run here would see them; nothing is taken and nothing is written."""
    from tipi_core.devices.current import RunDevices
    from tipi_core.plugins import PluginHost
    from tipi_core.project.settings import open_project
    from tipi_core.run import Run

    host = PluginHost.load(block=open_project().blocked)
    return RunDevices(Run("devices", host=host))


def describe_devices(devices: RunDevices) -> dict[str, Any]:
    """Return a record for each device, and the choice that a run would make now."""
    from tipi_core.devices.choice import choose
    from tipi_core.devices.leases import find_leases
    from tipi_core.errors import UsageError

    found = devices.devices()
    leases = find_leases(found)
    rows = [
        {"device": info.label, **asdict(info), "taken": info.label in leases, "taken_by": leases.get(info.label)}
        for info in found
    ]
    try:
        choice = choose(found, wanted=os.environ.get("TIPI_DEVICE") or None, leased=leases)
    except UsageError as error:
        return {"devices": rows, "choice": None, "reason": str(error)}
    return {"devices": rows, "choice": choice.device.label, "reason": choice.reason}


def _print_json(facts: dict[str, Any]) -> None:
    print_json(facts)


def _print_table(facts: dict[str, Any]) -> None:
    rows = facts["devices"]
    first_below = 4 if terminal_width() < NARROW else 6
    print_table(COLUMNS, [_cells(row) for row in rows], numbers=COLUMNS[2:6], below=COLUMNS[first_below:])
    for row in rows:
        if row["note"]:
            click.echo(f"{row['device']} cannot be used: {row['note']}")
    if facts["choice"] is None:
        click.echo(f"a run would stop: {facts['reason']}")
    else:
        click.echo(f"a run would take {facts['choice']}")


def _cells(row: dict[str, Any]) -> list[str]:
    from tipi_core.devices.info import format_bytes

    memory = ["" if row[key] is None else format_bytes(row[key]) for key in ("free", "total")]
    use = "" if row["utilisation"] is None else f"{row['utilisation']} %"
    temperature = "" if row["temperature"] is None else f"{row['temperature']} C"
    processes = " ".join(map(str, row["processes"] or ()))
    holder = f"your process {row['taken_by'] or '?'}" if row["taken"] else ""
    return [row["device"], row["name"], *memory, use, temperature, processes, holder]


def _repeat(devices: RunDevices, show: Any, seconds: float) -> None:
    import sys
    import threading

    pause = threading.Event()
    while not pause.wait(seconds):
        if sys.stdout.isatty():
            click.clear()
        show(describe_devices(devices))
        sys.stdout.flush()
