"""Progress bars in colour: the renderer of live displays and the permanence that configures it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tipi.plugin import hookimpl

if TYPE_CHECKING:
    from tipi.plugin import ProgressRenderer, Registry, Run


@hookimpl
def tipi_register(registry: Registry) -> None:
    """Name the permanence."""
    registry.permanence("ProgressManager", "tipi_plugins.progress.permanence:ProgressManager")


@hookimpl
def tipi_create_progress(run: Run) -> ProgressRenderer:
    """Return the look of this run's bars."""
    from tipi_plugins.progress.look import ColourLook

    return ColourLook(run)
