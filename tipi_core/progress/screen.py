"""The lines at the bottom of a terminal that are redrawn in place, below everything that is printed."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from time import monotonic
from typing import TYPE_CHECKING, Any

from tipi_core.progress.text import clip, width_of

if TYPE_CHECKING:
    from tipi_core.progress.board import Board

NARROWEST = 4
BREATH = 0.005  # seconds between two frames that prints cause


class Screen:
    """A live region on one terminal.

    The cursor rests visible at the start of the line below the region, so that nothing has to be repaired when the
    process is killed. Text printed without a newline keeps its line: the region starts below it, and the next
    print goes on where it stopped. The caller holds the display's lock.

    Args:
        stream: A terminal; only its ``fileno`` and ``encoding`` are used besides ``write``.
        write: What puts text on it, not the guarded ``stream.write``.
        flush: What sends it.
        board: Where the rows of the region are noted.

    Attributes:
        broken: True once the terminal is gone; everything is silent then.
        disturbed: True after somebody wrote without making room: the next frame starts below what is there.
        busy: True while text is on its way: what is written meanwhile by a stream around ours passes as it is.
    """

    def __init__(self, stream: Any, write: Callable[[str], Any], flush: Callable[[], Any], board: Board) -> None:
        self.stream = stream
        self.board = board
        self.broken = self.busy = self.disturbed = False
        self._write = write
        self._flush = flush
        self._tail = ""
        self._lines: list[str] = []
        self._shown = self._pushed = False
        self._drawn = 0.0

    def size(self) -> tuple[int, int]:
        """Return the terminal's columns and rows; 80 and 24 where it does not know."""
        try:
            columns, rows = os.get_terminal_size(self.stream.fileno())
        except (OSError, ValueError, AttributeError):
            columns = rows = 0
        return columns or _environment("COLUMNS", 80), rows or _environment("LINES", 24)

    def draw(self, lines: Sequence[str] | None, above: Sequence[str] = (), most: int | None = None) -> None:
        """Show lines in the region.

        Args:
            lines: What to show, None for the last frame.
            above: Lines that are written for good.
            most: As many lines are shown, if the terminal has room for them.
        """
        self._settle()
        columns, rows = self.size()
        lines = self._lines if lines is None else lines
        fitted = [clip(line, max(NARROWEST, columns - 1)) for line in _fit(lines, min(rows - 2, most or rows))]
        if above and self._tail:
            self.hide()
            self._put("\r\n")
            self._tail = ""
        old, gone = self._rows(columns), not self._shown
        head = "" if gone else f"\x1b[{old}A\r" if old else "\r"
        if gone and self._tail:
            head = "\r\n"
        body = "".join(f"{line}\x1b[K\r\n" for line in (*(clip(line, columns - 1) for line in above), *fitted))
        new = len(above) + len(fitted)
        self._put(head + body + ("\x1b[J" if not gone and old > new else ""))
        self._lines, self._shown, self._pushed, self._drawn = fitted, True, False, monotonic()
        self.board.rows = self._rows(columns)

    def hide(self) -> None:
        """Take the region off the screen and put the cursor where the user's text stopped."""
        self._pushed = False
        self._settle()
        if not self._shown:
            return
        columns = self.size()[0]
        rows = self._rows(columns)
        text = f"\x1b[{rows}A\r\x1b[J" if rows else "\r\x1b[J"
        self._put(text + self._back_to_tail(columns))
        self._shown, self.board.rows = False, 0

    def pass_text(self, text: str, write: Callable[[str], Any], flush: Callable[[], Any]) -> Any:
        """Let the user's text through to its own stream, above the region."""
        pushed = self._shown or self._pushed
        self.hide()
        self._pushed, self.busy = pushed, True
        try:
            return write(text)
        finally:
            flush()
            self.busy = False
            self._tail = _last_line(self._tail + text)
            # if more of the line is to come, or many lines come at once, the next frame is soon enough
            if pushed and not self._tail and monotonic() - self._drawn > BREATH:
                self.draw(None)

    def _settle(self) -> None:
        if self.disturbed:
            self.disturbed = self._shown = False
            self._tail, self.board.rows = "", 0

    def around(self, text: str) -> str:
        """Return ``text`` with what puts it above the region of the parent process, and leaves room for that."""
        rows = self.board.rows
        if not rows:
            return text
        head = f"\x1b[{rows}A\r\x1b[J" + self._back_to_tail(self.size()[0])
        self._tail = _last_line(self._tail + text)
        return head + text + ("\r\n" if self._tail else "") + "\r\n" * rows

    def finish(self) -> None:
        """Take the region away for good."""
        self.hide()
        self._lines, self._tail = [], ""

    def _back_to_tail(self, columns: int) -> str:
        across = width_of(self._tail) % columns
        return ("\x1b[1A" if self._tail else "") + (f"\x1b[{across}C" if across else "")

    def _rows(self, columns: int) -> int:
        """Return how many rows the drawn lines take on a terminal that may have become narrower."""
        return sum(max(1, -(-width_of(line) // columns)) for line in self._lines)

    def _put(self, text: str) -> None:
        if self.broken or not text:
            return
        self.busy = True
        try:
            self._write(text)
            self._flush()
        except UnicodeEncodeError:
            encoding = getattr(self.stream, "encoding", None) or "ascii"
            self._write(text.encode(encoding, "replace").decode(encoding))
            self._flush()
        except (OSError, ValueError):
            self.broken = True
        finally:
            self.busy = False


def _fit(lines: Sequence[str], rows: int) -> Sequence[str]:
    if len(lines) <= max(1, rows):
        return lines
    return [*lines[: max(0, rows - 1)], f"... {len(lines) - max(0, rows - 1)} more bars"]


def _last_line(text: str) -> str:
    line = text.rpartition("\n")[2]
    return line.rstrip("\r").rpartition("\r")[2].expandtabs() if line else ""


def _environment(name: str, otherwise: int) -> int:
    value = os.environ.get(name, "")
    return int(value) if value.isdecimal() and int(value) else otherwise
