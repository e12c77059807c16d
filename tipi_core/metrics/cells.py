"""Cells: how a run of a notebook ends, whose code is run piece by piece."""

from __future__ import annotations

import sys
from typing import Any

from tipi_core.run import Run


class Cells:
    """The cells that use a run.

    A cell that calls ``logger.init`` and is run again begins another run, as in wandb; the state of the one before is
    how the last cell that logged into it ended.

    Args:
        run: The run.
        shell: IPython's.
    """

    def __init__(self, run: Run, shell: Any) -> None:
        self._run = run
        self._shell = shell
        self._cell = shell.execution_count
        self._step = -1
        shell.events.register("post_run_cell", self._after)
        run.defer(shell.events.unregister, "post_run_cell", self._after)

    @classmethod
    def of(cls, run: Run) -> Cells | None:
        """Return the cells of a script's run in a notebook or IPython session; None elsewhere."""
        find = getattr(sys.modules.get("IPython"), "get_ipython", None)
        shell = find() if find is not None and run.kind == "script" else None
        return None if shell is None else cls(run, shell)

    def moved_on(self) -> bool:
        """Return whether another cell runs than the one that began the run."""
        return bool(self._shell.execution_count != self._cell)

    def _after(self, result: Any) -> None:
        """Take note of how a cell ended, if it logged; IPython calls it."""
        if self._run.step != self._step:
            self._step = self._run.step
            self._run.cell_error = result.error_before_exec or result.error_in_exec
