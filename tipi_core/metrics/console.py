"""What the logger says on the console: single lines, and now and then the latest metrics."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tipi_core.metrics.trends import Trend, sparkline
from tipi_core.run import Run

TERMINAL_SECONDS = 1.0
FILE_SECONDS = 10.0
MOST_METRICS = 8
MOST_ROWS = 20


class Console:
    """Shows the latest metrics of one run, for those who watch it without a tracker.

    Lines are sparse: one a second on a terminal, where a pipeline's or open bars show the metrics instead, and one in
    ten seconds in a file. A script's last line sums up.

    Args:
        run: The run.

    Attributes:
        on: False where a tracker shows the metrics.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.on = True
        self._last = time.monotonic()

    def show(self, step: int) -> None:
        """Show the latest metrics, if a line is due."""
        terminal = _is_terminal()
        pause = TERMINAL_SECONDS if terminal else FILE_SECONDS
        shown = terminal and (self.run.loops or self.run.kind == "pipeline")
        if not self.on or shown or time.monotonic() - self._last < pause:
            return
        self._last = time.monotonic()
        say(f"step {step}: {describe(self.run.latest_metrics)}")

    def sum_up(self, rows: int, trends: Mapping[str, Trend]) -> None:
        """Say what a script logged, with a row for each metric; a pipeline ends with a table of its own."""
        if self.on and rows and self.run.kind == "script":
            place = f" in {short_path(self.run.record.path)}" if self.run.record is not None else ""
            say(f"{rows} {'row' if rows == 1 else 'rows'}{place}")
            for line in table(trends):
                say(line)


def say(text: str) -> None:
    """Write one line to stderr, wherever that is; a process without one, or with ``TIPI_QUIET=1``, says nothing."""
    stream = sys.stderr
    if stream is None or os.environ.get("TIPI_QUIET", "") == "1":
        return
    try:
        stream.write(f"tipi: {text}\n")
    except UnicodeEncodeError:
        stream.write(f"tipi: {text.encode('ascii', 'backslashreplace').decode()}\n")
    except (OSError, ValueError):
        return  # closed or gone: what is said there never stops a training


def describe(metrics: Mapping[str, Any]) -> str:
    """Return the first few metrics in one line.

    Example:
        >>> describe({"loss": 0.123456, "epoch": 3})
        'loss=0.1235 epoch=3'
    """
    shown = [f"{key}={_format(value)}" for key, value in list(metrics.items())[:MOST_METRICS]]
    more = len(metrics) - len(shown)
    return " ".join([*shown, f"and {more} more"] if more > 0 else shown) or "no numbers"


def table(trends: Mapping[str, Trend]) -> list[str]:
    r"""Return a line for each metric: first, last and best value and a small curve.

    Example:
        >>> trend = Trend()
        >>> for loss in (3, 1, 2):
        ...     trend.add(loss)
        >>> print(*table({"loss": trend}), sep="\n")
        metric  first  last  best
        loss        3     2     1  █▁▄
    """
    heads = ("metric", "first", "last", "best", "")
    rows = [
        (name, _format(trend.first), _format(trend.last), _format(trend.best(name)), sparkline(trend.curve))
        for name, trend in list(trends.items())[:MOST_ROWS]
    ]
    widths = [max(len(cell) for cell in column) for column in zip(heads, *rows, strict=True)]
    lines = [
        "  ".join(
            [
                row[0].ljust(widths[0]),
                *(cell.rjust(width) for cell, width in zip(row[1:4], widths[1:4], strict=True)),
                row[4],
            ]
        )
        for row in (heads, *rows)
    ]
    more = len(trends) - len(rows)
    return [line.rstrip() for line in lines] + ([f"and {more} more"] if more > 0 else [])


def short_path(path: Path) -> str:
    """Return a path as a user would type it here."""
    try:
        here = Path.cwd()
    except OSError:  # the folder was deleted under the training
        return str(path)
    return os.path.relpath(path, here) if path.is_relative_to(here) else str(path)


def _format(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else "" if value is None else str(value)


def _is_terminal() -> bool:
    try:
        return sys.stderr is not None and sys.stderr.isatty()
    except (AttributeError, ValueError, OSError):
        return False
