"""Open bars as others know them: the run as its loops, old scripts by tqdm's class attributes."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from tipi_core.progress.display import display
from tipi_core.run import Gauge

if TYPE_CHECKING:
    from tipi_core.progress.monitor import Monitor
    from tipi_core.progress.surface import Surface


class MonitorOf:
    """What ``tqdm.monitor`` is: None before the first bar, and where a class wants no monitoring."""

    def __get__(self, bar: Any, kind: type[Surface]) -> Monitor | None:
        return display.monitor if kind.monitor_interval else None


class Place:
    """An open bar as the run's stack of loops keeps it: it does not keep the bar alive."""

    __slots__ = ("_bar",)

    def __init__(self, bar: Surface) -> None:
        self._bar = weakref.ref(bar)

    @property
    def desc(self) -> str:
        """The bar's description without its colon."""
        bar = self._bar()
        return "" if bar is None else str(bar.desc).removesuffix(": ")

    @property
    def n(self) -> float:
        """How many items are done."""
        bar = self._bar()
        return 0 if bar is None else bar.n

    def gauge(self) -> Gauge:
        """Return how to read the loop at every ``logger.log``; good until the run's frame is cleared."""
        bar = self._bar()
        position = None if bar is None else bar._position
        if bar is None or position is None:
            return Gauge(self.desc, 0, self._count, None)
        return Gauge(self.desc, bar._count, position.mark, position.at)

    def _count(self) -> float:
        bar = self._bar()
        return 0 if bar is None else bar._count


class OpenBars:
    """What ``tqdm._instances`` is: the open bars, in a set that keeps none of them alive. Nothing depends on it."""

    def __get__(self, bar: Any, kind: type) -> weakref.WeakSet[Any]:
        return weakref.WeakSet(display.bars())
