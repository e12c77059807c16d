"""The bars of one notebook cell, in an output that is updated in place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tipi_core.progress.streams import Question

if TYPE_CHECKING:
    from tipi_core.progress.bar import progress_bar as ProgressBar  # noqa: N812 - it is a class
    from tipi_core.run import Run

COLUMNS = 90


class NotebookSink:
    """Shows the renderer's lines as one text output; colour codes are what notebooks show as colours.

    Args:
        run: Whose plugins give the bars their look.
    """

    urgent = True

    def __init__(self, run: Run) -> None:
        self._run = run
        self._handle: Any = None
        self._clearing: Question | None = None
        self._left: list[str] = []
        self._shown = ""

    @property
    def pause(self) -> float:
        """Seconds between two updates: half the frames of a terminal, for each is a message."""
        from tipi_core.progress.settings import settings_of

        return 2 / settings_of(self._run).refresh

    def open(self, bar: ProgressBar[Any]) -> None:
        """Make the output of this cell, at the first bar."""
        if self._clearing is None:
            from IPython import get_ipython

            self._clearing = Question(get_ipython().display_pub, "clear_output", self._cleared)
        if self._handle is None and bar.delay <= 0:
            self.tick([bar], bar.start_t)

    def tick(self, bars: Sequence[ProgressBar[Any]], now: float) -> None:
        """Show all bars of the cell."""
        states = [bar.state(now) for bar in bars if now >= bar.start_t + bar.delay]
        metrics = bars[-1].logged_metrics() if bars else {}
        self._show([*self._left, *self._lines(states, metrics)])

    def close(self, bar: ProgressBar[Any], others: Sequence[ProgressBar[Any]], now: float) -> None:
        """Keep the bar's last line if it stays; with the last bar, show what is left."""
        if bar.remains():
            innermost = not others or others[-1].depth <= bar.depth
            self._left += self._lines([bar.state(now)], bar.logged_metrics() if innermost else {})
        if not others:
            self._show(self._left)
            self.give_back()

    def hide(self) -> None:
        """Prints have an output of their own."""

    def give_back(self) -> None:
        """Let the cell's output be cleared without the bars."""
        if self._clearing is not None:
            self._clearing.remove()
            self._clearing = None

    @contextmanager
    def _cleared(self) -> Iterator[None]:
        """Make a new output when the cell's outputs are cleared, as loops do that plot while they run."""
        yield
        self._handle, self._shown = None, ""

    def _lines(self, states: Sequence[Any], metrics: Mapping[str, float]) -> Sequence[str]:
        from tipi_core.progress.sinks import renderer_of

        return renderer_of(self._run).draw(states, metrics, COLUMNS) or () if states else ()

    def _show(self, lines: Sequence[str]) -> None:
        text = "\n".join(lines)
        if text == self._shown and self._handle is not None:
            return
        from IPython.display import display

        self._shown = text
        content = {"text/plain": text}
        if self._handle is None:
            self._handle = display(content, raw=True, display_id=True)
        else:
            self._handle.update(content, raw=True)


def in_notebook(file: Any) -> bool:
    """Return whether ``file`` is the stream of a notebook's cell."""
    return type(file).__module__.partition(".")[0] == "ipykernel"
