"""The event files of one run, made with the first row."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tipi.plugin import PipelineController, Run

NUMBERS = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}


class EventFiles:
    """Writes the numbers of a run's rows for TensorBoard; the axis is the row's step.

    Args:
        run: The run; the files lie in ``tensorboard/`` of its record.

    Attributes:
        wanted: True with ``TIPI_TENSORBOARD=on`` or the permanence, where there is a record.
    """

    def __init__(self, run: Run) -> None:
        self.wanted = os.environ.get("TIPI_TENSORBOARD", "").lower() in ("on", "1", "yes") and run.record is not None
        self._writer: Any = None
        self._run = run

    def write(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Write the numbers of some rows."""
        if self._writer is None:
            self._writer = self._open()
        for record in records:
            for name, value in record["values"].items():
                number = NUMBERS.get(value) if isinstance(value, str) else value
                if isinstance(number, int | float):
                    self._writer.add_scalar(name, number, record["step"], walltime=record["wall"])
        self._writer.flush()

    def _open(self) -> Any:
        from tensorboardX import SummaryWriter

        assert self._run.record is not None
        writer = SummaryWriter(str(self._run.record.path / "tensorboard"))
        self._run.defer(writer.close, late=True)
        return writer


class TensorBoard:
    """Writes the metrics of a pipeline for TensorBoard too, into ``tensorboard/`` of the record.

    Args:
        controller: What the run provides.

    Example:
        In a pipeline's file::

            [permanences.tensorboard]
            type = "TensorBoard"
    """

    def __init__(self, controller: PipelineController) -> None:
        controller.run.service(EventFiles).wanted = controller.run.record is not None
