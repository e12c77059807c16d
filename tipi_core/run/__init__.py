"""Runs: what one script or pipeline run is, and which run is active."""

from tipi_core.run.active import (
    activate,
    active_run,
    close_first_at_exit,
    current_run,
    end_cells_run,
    end_implicit_run,
    find_mine,
)
from tipi_core.run.cleanup import CleanupStack
from tipi_core.run.loops import Frame, Gauge, Loop
from tipi_core.run.run import Run, is_spawned

__all__ = [
    "CleanupStack",
    "Frame",
    "Gauge",
    "Loop",
    "Run",
    "activate",
    "active_run",
    "close_first_at_exit",
    "current_run",
    "end_cells_run",
    "end_implicit_run",
    "find_mine",
    "is_spawned",
]
