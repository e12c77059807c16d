"""What ``tipi run --dry-run`` prints: what would run, what would not and why, and on which device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from tipi_core.cli.output import print_json, print_table, short_place

if TYPE_CHECKING:
    from tipi_core.plan import Plan, Resolved
    from tipi_core.runner import PipelineRunner


def print_plan(runner: PipelineRunner, as_json: bool) -> None:
    """Print the plan of a runner, without building or importing anything of it."""
    plan = runner.selected_plan()
    rows = [_row(runner, plan, resolved) for resolved in plan.resolved]
    device = _device(runner)
    if as_json:
        print_json({"name": plan.config.name, "device": device, "components": rows})
        return
    columns = ["kind", "name", "type", "what", "from"]
    print_table(columns, [[row[column] for column in columns] for row in rows], below=["what", "from"])
    click.echo(f"device  {device}")
    click.echo("nothing was run")


def _row(runner: PipelineRunner, plan: Plan, resolved: Resolved) -> dict[str, Any]:
    spec = resolved.spec
    return {
        "kind": spec.kind,
        "name": spec.name,
        "type": spec.type,
        "what": _what(runner, plan, resolved),
        "from": f"{resolved.owner}  {short_place(resolved.where)}",
    }


def _what(runner: PipelineRunner, plan: Plan, resolved: Resolved) -> str:
    spec = resolved.spec
    if spec.kind == "permanence":
        return "build"
    if spec.name in plan.left_out:
        return f"skip: {plan.left_out[spec.name]}"
    if runner.is_forced(spec.name, spec.force):
        return "run: forced"
    skips = resolved.definition is not None and resolved.definition.skips
    return "run, unless its skip() says no" if skips else "run"


def _device(runner: PipelineRunner) -> str:
    """Return what would be chosen now, asking the drivers and not torch."""
    import os

    from tipi_core.devices.choice import choose

    devices = runner.load_host().list_devices()
    if not devices:
        return "none found without torch"
    choice = choose(devices, wanted=os.environ.get("TIPI_DEVICE"))
    return f"{choice.device.label}: {choice.reason}"
