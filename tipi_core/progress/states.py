"""The state of a bar as a renderer sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from tipi_core.progress.renderer import BarState
from tipi_core.progress.text import harmless

if TYPE_CHECKING:
    from tipi_core.progress.bar import progress_bar as ProgressBar  # noqa: N812 - it is a class


def state_of(bar: ProgressBar[Any], now: float) -> BarState:
    """Return the state of ``bar`` at the time ``now``."""
    outcome = bar.outcome()
    elapsed = max(0.0, now - bar.start_t)
    desc = str(bar.desc)
    return BarState(
        id=id(bar),
        parent=bar.parent_id,
        depth=bar.depth,
        desc=harmless(desc[:-2] if desc.endswith(": ") else desc),
        n=bar.n,
        total=bar.total,
        initial=bar.initial,
        elapsed=elapsed,
        rate=bar.rate_at(elapsed),
        unit=harmless(str(bar.unit)),
        unit_scale=bar.unit_scale,
        unit_divisor=bar.unit_divisor,
        postfix=harmless(str(bar.postfix)) if bar.postfix else "",
        state=cast("Any", outcome),
        colour=bar.colour,
        leave=bool(bar.leave),
        text=_text_of(bar),
    )


def _text_of(bar: ProgressBar[Any]) -> str | None:
    """Return the text that was asked for, or None; a format that fails by now must not raise in a frame."""
    if bar.message is None and not bar.asks_for_text:
        return None
    try:
        return harmless(str(bar) if bar.message is None else bar.message)
    except Exception:
        return None
