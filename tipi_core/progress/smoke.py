"""Trial runs: every bar ends after a few items."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tipi_core.run import Run


def smoke_limit(run: Run | None) -> int | None:
    """Return after how many items a loop ends, from ``TIPI_SMOKE``; None for all items. The record says so.

    Example:
        >>> from tipi_core.run import Run
        >>> smoke_limit(Run("example")) is None
        True
    """
    value = os.environ.get("TIPI_SMOKE", "")
    if not value.isdecimal() or not int(value):
        return None
    if run is not None and run.facts.get("smoke") != int(value):
        run.facts["smoke"] = int(value)
        if run.record is not None:
            run.record.update(smoke=int(value))
    return int(value)
