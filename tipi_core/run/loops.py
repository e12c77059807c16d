"""Loops: the open progress bars of a run, as log calls read them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol


class Loop(Protocol):
    """An open progress bar, as the metrics see it: its description and how many items it has handed out."""

    @property
    def desc(self) -> str:
        """Its description."""

    @property
    def n(self) -> float:
        """How many items it has handed out."""

    def gauge(self) -> Gauge:
        """Return how to read its position at every log call."""


class Gauge(NamedTuple):
    """How the position of one loop is read in two steps: in next to no time now, and its meaning later.

    Attributes:
        desc: The loop's description.
        start: Where its counting began.
        note: What is called at each log call.
        turn: Turns what ``note`` returned into items handed out before the one at hand; None takes it as it is.
    """

    desc: str
    start: float
    note: Callable[[], Any]
    turn: Callable[[Any], float] | None


class Frame:
    """The open loops, outermost first, as log calls use them.

    Attributes:
        gauges: One for each loop.
        note: Returns what each of them notes; written out for few loops, because each log call pays for it.
    """

    __slots__ = ("gauges", "note")

    def __init__(self, gauges: tuple[Gauge, ...]) -> None:
        self.gauges = gauges
        notes = [gauge.note for gauge in gauges]
        self.note: Callable[[], tuple[Any, ...]] = lambda: tuple([note() for note in notes])
        if not notes:
            self.note = tuple
        elif len(notes) == 1:
            (only,) = notes
            self.note = lambda: (only(),)
        elif len(notes) == 2:
            outer, inner = notes
            self.note = lambda: (outer(), inner())

    def read(self, noted: tuple[Any, ...]) -> list[tuple[str, float]]:
        """Return description and position of each loop as they were when ``noted`` was."""
        return [
            (desc, start + (note if turn is None else turn(note)))
            for (desc, start, _, turn), note in zip(self.gauges, noted, strict=True)
        ]
