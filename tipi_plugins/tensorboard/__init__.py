"""TensorBoard as an observer: rows go into event files beside the record, written in the training's process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tipi.plugin import hookimpl

if TYPE_CHECKING:
    from tipi.plugin import Registry, Run

REQUIRES = {"tensorboardX": 'pip install "torch-tipi[tensorboard]"'}


@hookimpl
def tipi_register(registry: Registry) -> None:
    """Name the permanence."""
    registry.permanence("TensorBoard", "tipi_plugins.tensorboard.events:TensorBoard")


@hookimpl
def tipi_log(run: Run, records: Sequence[Mapping[str, Any]]) -> None:
    """Write a batch of rows where that was asked for; called on the writer's thread."""
    from tipi_plugins.tensorboard.events import EventFiles

    files = run.service(EventFiles)
    if files.wanted:
        files.write(records)
