"""What a plugin that gives bars their look sees of them, and what it must offer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol


@dataclass(frozen=True, slots=True)
class BarState:
    """One bar at one moment; all text is the user's, with control characters already spelled out.

    Attributes:
        id: Unique in the process.
        parent: The id of the bar around it, or None.
        depth: How many bars are around it.
        desc: Its description, without a colon.
        n: Items done.
        total: Items expected, or None.
        initial: Where it started to count.
        elapsed: Seconds since it opened.
        rate: Items a second, or None while unknown.
        unit: The name of one item.
        unit_scale: True for metric prefixes; a number multiplies ``n`` and ``total``.
        unit_divisor: The step between metric prefixes.
        postfix: What the user wants behind the bar, empty for nothing.
        state: ``running``; ``finished``; ``stopped`` before its total, by a ``break`` for instance; ``failed``.
        colour: A colour's name or ``#rrggbb`` for this bar, or None.
        leave: Whether its last line stays on the screen.
        text: The whole line where the user asked for tqdm's text (``bar_format``, ``ascii``, ``ncols``), else None.
    """

    id: int
    parent: int | None
    depth: int
    desc: str
    n: float
    total: float | None
    initial: float
    elapsed: float
    rate: float | None
    unit: str
    unit_scale: bool | float
    unit_divisor: float
    postfix: str
    state: Literal["running", "finished", "stopped", "failed"]
    colour: str | None
    leave: bool
    text: str | None


class ProgressRenderer(Protocol):
    """The look of bars on a live display.

    The core owns the thread, the lock, the timing, the terminal's cursor and the plain style of files; a renderer
    turns states into lines. It is called with the display's lock held, at most a few times a second.
    """

    def draw(self, bars: Sequence[BarState], metrics: Mapping[str, float], columns: int) -> Sequence[str] | None:
        """Return a line for each bar, colour codes allowed, none wider than ``columns``.

        None says that the renderer showed the bars by itself, as in a notebook.
        """

    def write(self, text: str, stream: Any) -> bool:
        """Show what was printed while bars are open; False leaves that to the core."""

    def close(self) -> None:
        """Let go of everything; no call follows."""


class TextRenderer:
    """The look without a plugin: tqdm's own text."""

    def draw(self, bars: Sequence[BarState], metrics: Mapping[str, float], columns: int) -> Sequence[str]:
        """Return tqdm's text of every bar."""
        return [text_of(bar, metrics, columns) for bar in bars]

    def write(self, text: str, stream: Any) -> bool:  # noqa: ARG002 - the protocol's arguments
        """Leave prints to the core."""
        return False

    def close(self) -> None:
        """Nothing to let go of."""


def text_of(bar: BarState, metrics: Mapping[str, float], columns: int | None) -> str:
    """Return one line in tqdm's format; ``metrics`` come behind the user's postfix."""
    from tipi_core.progress.meter import format_meter, format_num

    if bar.text is not None:
        return bar.text
    extra = [f"{name}={format_num(value)}" for name, value in metrics.items()]
    return format_meter(
        bar.n,
        bar.total,
        bar.elapsed,
        ncols=columns,
        prefix="  " * bar.depth + bar.desc if bar.desc else "",
        unit=bar.unit,
        unit_scale=bar.unit_scale,
        rate=bar.rate,
        postfix=", ".join(part for part in (bar.postfix, *extra) if part),
        unit_divisor=bar.unit_divisor,
        initial=bar.initial,
    )
