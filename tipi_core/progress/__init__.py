"""Progress bars: tqdm's surface, counting in C, one drawing thread, a look that plugins give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tipi_core.progress.bar import progress_bar, trange
from tipi_core.progress.settings import configure_display

if TYPE_CHECKING:
    from tipi_core.progress.renderer import BarState, ProgressRenderer

__all__ = ["BarState", "ProgressRenderer", "configure_display", "progress_bar", "trange"]


def __getattr__(name: str) -> Any:
    if name not in ("BarState", "ProgressRenderer"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from tipi_core.progress import renderer

    return getattr(renderer, name)
