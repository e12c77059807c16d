"""W&B as a reader of the record: a process of its own follows a run and feeds the wandb client."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tipi.plugin import hookimpl

if TYPE_CHECKING:
    from tipi.plugin import Registry, Run, Tracker

REQUIRES = {"wandb": 'pip install "torch-tipi[wandb]"'}


@hookimpl
def tipi_register(registry: Registry) -> None:
    """Name the permanence."""
    registry.permanence("WandBManager", "tipi_plugins.wandb.permanence:WandBManager")


@hookimpl
def tipi_log(run: Run, records: Sequence[Mapping[str, Any]]) -> None:
    """Send rows where wandb runs in this process; elsewhere the relay reads them from the record."""
    from tipi_plugins.wandb.direct import DirectRuns

    run.service(DirectRuns).send(records)


@hookimpl
def tipi_start_tracker(run: Run, settings: Mapping[str, Any]) -> Tracker | None:
    """Say which rung the run stands on, and start the relay where it needs one."""
    from tipi_plugins.wandb.tracker import start_tracker

    return start_tracker(run, settings)
