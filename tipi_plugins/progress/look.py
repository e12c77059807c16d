"""The look of live bars: one line each, aligned, in colour, drawn without Rich once its styles are known."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import TYPE_CHECKING, Any

from tipi_plugins.progress.amounts import clock, count, fraction, metric, percent, speed
from tipi_plugins.progress.options import LookOptions
from tipi_plugins.progress.styles import Palette, colour_system
from tipi_plugins.progress.widths import clip, width_of

if TYPE_CHECKING:
    from tipi.plugin import BarState, Run

GAP = "  "
WIDEST, NARROW = 40, 12
DEEPEST = 6  # steps that a line is moved to the right
SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
MARKS = {"finished": "✓", "stopped": "■", "failed": "✗"}
ASCII_MARKS = {"finished": "+", "stopped": "=", "failed": "x"}
OPTIONAL = ("rate", "time", "count", "percent")  # what a narrow terminal loses, in this order
DISPENSABLE = ("percent", "rate")  # what makes room for a postfix and metrics


class ColourLook:
    """Draws the bars of a run; see :class:`tipi.plugin.ProgressRenderer`.

    Args:
        run: The run, for the options that ``ProgressManager`` sets.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._system = colour_system()
        self._unicode = _writes_unicode(getattr(sys.stderr, "rich_proxied_file", sys.stderr))
        self._version = -1
        self._palette = Palette({}, None)
        self._columns: tuple[str, ...] = ()
        self._widths: dict[str, int] = {}
        self._root: int | None = None

    def draw(self, bars: Sequence[BarState], metrics: Mapping[str, float], columns: int) -> Sequence[str]:
        """Return a line for each bar; the metrics stand beside the innermost."""
        self._follow_options()
        if bars and bars[0].depth == 0 and bars[0].state == "running" and bars[0].id != self._root:
            self._root, self._widths = bars[0].id, {}
        cells = [self._cells(bar, metrics if at == len(bars) - 1 else {}) for at, bar in enumerate(bars)]
        extras = [max((width(cell) for cell in cells), default=0) for width in (_extra_width, _least_extra)]
        if any(bar.state == "running" for bar in bars):  # a last line has the room that it needs itself
            extras = [self._grown("extra", extras[0]), self._grown("least", extras[1])]
        layout = self._lay_out(cells, _desc_width(bars, cells), columns, extras)
        return [self._line(bar, bars[at + 1 :], cells[at], layout, columns) for at, bar in enumerate(bars)]

    def write(self, text: str, stream: Any) -> bool:  # noqa: ARG002 - the protocol's arguments
        """Leave prints to the core."""
        return False

    def close(self) -> None:
        """Nothing to let go of."""

    def _follow_options(self) -> None:
        options = self._run.service(LookOptions)
        if options.version != self._version:
            self._version = options.version
            self._palette = Palette(options.styles, self._system)
            self._columns = options.columns

    def _cells(self, bar: BarState, metrics: Mapping[str, float]) -> dict[str, str]:
        """Return the text of every column, without colour."""
        wanted = self._columns
        left = (bar.total - bar.n) / bar.rate if bar.total and bar.rate and bar.state == "running" else None
        cells = {
            "desc": bar.desc,
            "percent": percent(bar),
            "count": count(bar),
            "time": clock(bar.elapsed) + (f"<{clock(left)}" if left is not None and left >= 0 else ""),
            "rate": speed(bar),
            "postfix": bar.postfix,
            "metrics": GAP.join(f"{name} {metric(value)}" for name, value in metrics.items()),
        }
        return {name: text if name in wanted else "" for name, text in cells.items()}

    def _lay_out(
        self, cells: Sequence[Mapping[str, str]], desc: int, columns: int, extras: Sequence[int]
    ) -> dict[str, int]:
        """Return the width of every column; widths only grow while the outermost bar stays, so nothing jumps."""
        layout = {"desc": min(self._grown("desc", desc), max(8, columns * 2 // 5))}
        for name in ("percent", "count", "time", "rate"):
            layout[name] = self._grown(name, max((len(cell[name]) for cell in cells), default=0))
        if "bar" not in self._columns:
            return layout | {"bar": 0}
        layout = next(filter(None, (_fitted(layout, DISPENSABLE, columns, w + NARROW) for w in extras)), layout)
        layout = _fitted(layout, OPTIONAL, columns, NARROW) or dict.fromkeys(layout, 0) | {"desc": layout["desc"]}
        room = _room(layout, columns)
        layout["bar"] = max(0, min(WIDEST, max(room - extras[0], min(room, NARROW + 4))))
        if layout["bar"] < 4:
            layout["bar"] = 0
        return layout

    def _grown(self, name: str, width: int) -> int:
        self._widths[name] = max(self._widths.get(name, 0), width)
        return self._widths[name]

    def _line(
        self,
        bar: BarState,
        below: Sequence[BarState],
        cells: Mapping[str, str],
        layout: Mapping[str, int],
        columns: int,
    ) -> str:
        if bar.text is not None:
            return clip(bar.text, columns)
        paint = self._palette.paint
        lead = self._lead(bar, below)
        room = layout["desc"] - 2 * _inset(bar)
        desc = clip(cells["desc"], max(4, room), self._ellipsis)
        parts = [lead + paint("desc", desc) + " " * max(0, room - width_of(desc))]
        if layout["bar"]:
            parts.append(self._bar(bar, layout["bar"]))
        parts += [self._number(name, cells[name], layout[name]) for name in ("percent", "count", "time", "rate")]
        line = GAP.join(part for part in parts if part)
        used = 2 + sum(width + len(GAP) for name, width in layout.items() if width and name != "desc") + layout["desc"]
        return clip((line + self._extra(cells, columns - used)).rstrip(), columns)

    def _lead(self, bar: BarState, below: Sequence[BarState]) -> str:
        """Return the two columns that say what a line is: a sign of life, a branch, or how it ended."""
        inset = "  " * _inset(bar)
        if bar.state != "running":
            marks = MARKS if self._unicode else ASCII_MARKS
            return inset + self._palette.paint(bar.state, marks[bar.state]) + " "
        if bar.depth:
            after = next((other.depth for other in below if other.depth <= bar.depth), -1)
            branch = ("├" if after == bar.depth else "└") if self._unicode else "`"
            return inset + self._palette.paint("guide", branch) + " "
        frames = SPINNER if self._unicode else "|/-\\"
        return self._palette.paint("left", frames[int(monotonic() * 10) % len(frames)]) + " "

    def _bar(self, bar: BarState, width: int) -> str:
        full, half_end, half_start = ("━", "╸", "╺") if self._unicode else ("=", "-", "-")
        part = "bar" if bar.state == "running" else bar.state
        colour = bar.colour if bar.state == "running" else None
        if not bar.total:
            return self._wander(part, full, width) if bar.state == "running" else self._fill(part, full * width, width)
        halves = int(fraction(bar) * width * 2)
        done = full * (halves // 2) + (half_end if halves % 2 else "")
        rest = full * (width - len(done))
        if rest and halves % 2 == 0 and halves:
            rest = half_start + rest[1:]
        return self._fill(part, done, width, colour) + self._palette.paint("rest", self._dim(rest))

    def _wander(self, part: str, full: str, width: int) -> str:
        """Return a bar without a known end: a piece that goes to and fro."""
        piece = max(3, width // 5)
        path = width - piece
        at = int(monotonic() * 16) % (2 * path) if path else 0
        at = at if at <= path else 2 * path - at
        rest, paint = self._dim(full * width), self._palette.paint
        return paint("rest", rest[:at]) + self._fill(part, full * piece, piece) + paint("rest", rest[at + piece :])

    def _fill(self, part: str, cells: str, width: int, colour: str | None = None) -> str:
        return self._palette.fill(part, cells, width, colour)

    def _dim(self, rest: str) -> str:
        """Return the open part of a bar; without colours it must look different by itself."""
        if self._palette.code("bright_black"):
            return rest
        return ("─" if self._unicode else ".") * len(rest)

    def _number(self, name: str, text: str, width: int) -> str:
        if not width:
            return ""
        space, paint = " " * (width - len(text)), self._palette.paint
        if name != "time":
            return space + paint(name, text)
        elapsed, sign, left = text.partition("<")
        return paint("time", elapsed + sign) + paint("left", left) + space

    def _extra(self, cells: Mapping[str, str], room: int) -> str:
        """Return postfix and metrics, cut where the line ends."""
        if not any(cells[name] for name in ("postfix", "metrics")) or room < 6:
            return ""
        room -= len(GAP)
        postfix = clip(cells["postfix"], room, self._ellipsis)
        parts = [self._palette.paint("postfix", postfix)] if postfix else []
        room -= width_of(postfix) + (len(GAP) if postfix else 0)
        for pair in cells["metrics"].split(GAP) if cells["metrics"] else ():
            if len(pair) > room:
                break
            name, _, value = pair.rpartition(" ")
            parts.append(f"{self._palette.paint('name', name)} {self._palette.paint('value', value)}")
            room -= len(pair) + len(GAP)
        return GAP + GAP.join(parts) if parts else ""

    @property
    def _ellipsis(self) -> str:
        return "…" if self._unicode else "..."


def _fitted(layout: dict[str, int], optional: Sequence[str], columns: int, room: int) -> dict[str, int] | None:
    """Return the layout without as many of the ``optional`` columns as leave ``room``; None if that is not enough."""
    fitted = dict(layout)
    for name in (None, *optional):
        if name is not None:
            fitted[name] = 0
        if _room(fitted, columns) >= room:
            return fitted
    return None


def _room(layout: Mapping[str, int], columns: int) -> int:
    return columns - 2 - sum(width + len(GAP) for width in layout.values() if width)


def _desc_width(bars: Sequence[BarState], cells: Sequence[Mapping[str, str]]) -> int:
    pairs = zip(bars, cells, strict=True)
    return max((width_of(cell["desc"]) + 2 * _inset(bar) for bar, cell in pairs), default=0)


def _inset(bar: BarState) -> int:
    return min(DEEPEST, max(0, bar.depth - 1))


def _extra_width(cells: Mapping[str, str]) -> int:
    return sum(width_of(cells[name]) + len(GAP) for name in ("postfix", "metrics") if cells[name])


def _least_extra(cells: Mapping[str, str]) -> int:
    """Return the width of what is worth other columns: the postfix, else the first metric."""
    text = cells["postfix"] or cells["metrics"].partition(GAP)[0]
    return width_of(text) + len(GAP) if text else 0


def _writes_unicode(stream: Any) -> bool:
    try:
        "━✓⠋".encode(stream.encoding or "ascii")
    except (AttributeError, LookupError, UnicodeEncodeError):
        return False
    return True
