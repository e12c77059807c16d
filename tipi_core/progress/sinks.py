"""Where bars are shown: on a live display, as sparse lines in a file, by the bar's own class, or nowhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from tipi_core.progress.notebook import NotebookSink, in_notebook
from tipi_core.progress.screen import Screen
from tipi_core.progress.settings import DisplaySettings, settings_of
from tipi_core.progress.streams import Guard, Question, guard_questions, guard_terminal, is_terminal, unwrapped
from tipi_core.progress.wrapping import flush
from tipi_core.run import is_spawned

if TYPE_CHECKING:
    from tipi_core.progress.bar import progress_bar as ProgressBar  # noqa: N812 - it is a class
    from tipi_core.progress.display import Display
    from tipi_core.progress.renderer import BarState, ProgressRenderer
    from tipi_core.run import Run

MINUTE = 60.0
MOST_LEFT = 64  # lines of closed bars that wait for the next frame
LOOK = 0.1  # seconds between two looks at the bars of a file
PATIENCE = 0.1  # seconds that a print waits for a frame: its thread may hold a lock that the frame needs


class Sink(Protocol):
    """One place where bars are shown; called with the display's lock held."""

    urgent: bool  # whether a frame can be asked for at any time

    @property
    def pause(self) -> float:
        """Seconds between two calls of :meth:`tick`."""

    def open(self, bar: ProgressBar[Any]) -> None:
        """Begin with a bar."""

    def tick(self, bars: Sequence[ProgressBar[Any]], now: float) -> None:
        """Show all bars of this sink."""

    def close(self, bar: ProgressBar[Any], others: Sequence[ProgressBar[Any]], now: float) -> None:
        """Show how a bar ended, beside those that stay open."""

    def hide(self) -> None:
        """Make room for what somebody else writes, until the next tick."""

    def give_back(self) -> None:
        """Leave the place as it was found; nothing is shown there any more."""


class PlainSink:
    """Sparse lines without control codes; the last one of a bar is its final state.

    Args:
        file: Where the lines go.
        settings: How sparse they are.
    """

    urgent = False

    def __init__(self, file: Any, settings: DisplaySettings) -> None:
        self._file = file
        self._settings = settings
        self._last: dict[int, tuple[float, float]] = {}

    @property
    def pause(self) -> float:
        """Seconds between two looks at the bars."""
        return min(LOOK, self._settings.interval)

    def open(self, bar: ProgressBar[Any]) -> None:
        """Start the clock of a bar."""
        self._last[id(bar)] = (bar.start_t, bar.n)

    def tick(self, bars: Sequence[ProgressBar[Any]], now: float) -> None:
        """Write a line for every bar that is due."""
        for bar in bars:
            if self._is_due(bar, now):
                self._last[id(bar)] = (now, bar.n)
                self._put(bar)

    def close(self, bar: ProgressBar[Any], others: Sequence[ProgressBar[Any]], now: float) -> None:  # noqa: ARG002
        """Write the final state, unless the bar was to vanish."""
        self._last.pop(id(bar), None)
        if bar.remains():
            self._put(bar)

    def hide(self) -> None:
        """Nothing is in the way of a print."""

    def give_back(self) -> None:
        """Nothing was taken."""

    def _is_due(self, bar: ProgressBar[Any], now: float) -> bool:
        since, n = self._last.setdefault(id(bar), (now, bar.n))
        waited = now - since
        if waited < self._settings.interval or bar.n == n:
            return False
        progress = 100 * (bar.n - n) / bar.total if bar.total else 100
        return progress >= self._settings.percent or waited >= max(MINUTE, self._settings.interval)

    def _put(self, bar: ProgressBar[Any]) -> None:
        from tipi_core.progress.text import harmless, without_colour

        line = without_colour(harmless(str(bar))) + "\n"
        try:
            self._file.write(line)
        except UnicodeEncodeError:
            self._file.write(line.encode("ascii", "replace").decode("ascii"))
        except (OSError, ValueError):
            return  # the file is closed or gone: bars never stop a program
        flush(self._file)


class LiveSink:
    """The bars of one terminal, redrawn in place.

    Args:
        stream: The terminal.
        run: Whose plugins give the bars their look.
        display: The display, for its lock and its list of failures.
        device: The number of the terminal's device, None where it has none.
    """

    urgent = True

    def __init__(self, stream: Any, run: Run, display: Display, device: int | None) -> None:
        self.stream = stream
        self._device = device
        self._run = run
        self._display = display
        self._screen: Screen | None = None
        self._guards: list[Guard | Question] = []
        self._left: list[tuple[BarState, Mapping[str, float]]] = []
        self._questions = 0

    @property
    def pause(self) -> float:
        """Seconds between two frames."""
        return 1 / settings_of(self._run).refresh

    def open(self, bar: ProgressBar[Any]) -> None:  # noqa: ARG002
        """Take the terminal over, at the first bar."""
        if self._screen is None:
            for stream in (self.stream, sys.stderr, sys.stdout):
                flush(stream)
            guards = guard_terminal(self.stream, self._device, self._pass_text)
            shadowed = bool(guards) and guards[0].stream is self.stream  # it is asked first
            write = guards[0].real_write if shadowed else self.stream.write
            self._guards = [*guards, *guard_questions(self._aside)]
            self._screen = Screen(self.stream, write, lambda: flush(self.stream), self._display.board)
            renderer_of(self._run)

    def tick(self, bars: Sequence[ProgressBar[Any]], now: float) -> None:
        """Draw a frame."""
        screen = self._screen
        if screen is not None and not screen.broken and not self._questions:
            states = [bar.state(now) for bar in bars if now >= bar.start_t + bar.delay]
            lines = self._draw(states, bars[-1].logged_metrics() if bars else {})
            screen.draw(lines, self._take_left(), min((bar.nrows for bar in bars if bar.nrows), default=None))

    def close(self, bar: ProgressBar[Any], others: Sequence[ProgressBar[Any]], now: float) -> None:
        """Keep the bar's last line for the next frame; with the last bar, draw it and give the terminal back."""
        if bar.remains():
            innermost = not others or others[-1].depth <= bar.depth
            self._left.append((bar.state(now), bar.logged_metrics() if innermost else {}))
        if not others:
            self._flush_left(())
            self.give_back()
        elif len(self._left) > MOST_LEFT:
            self._flush_left()

    def hide(self) -> None:
        """Take the bars off the screen until the next frame."""
        if self._screen is not None:
            self._flush_left()
            self._screen.hide()

    @contextmanager
    def _aside(self) -> Iterator[None]:
        """Keep the bars off the screen while somebody is asked and types an answer."""
        if not self._display.at_home():
            yield  # a forked child has no bars to take off
            return
        with self._display.lock:
            self.hide()
            self._questions += 1
        try:
            yield
        finally:
            with self._display.lock:
                self._questions -= 1

    def _flush_left(self, lines: Sequence[str] | None = None) -> None:
        """Write the last lines of closed bars above ``lines``, or above those of the last frame."""
        if self._left and self._screen is not None:
            self._screen.draw(lines, self._take_left())

    def _take_left(self) -> list[str]:
        left, self._left = self._left, []
        return [line for state, metrics in left for line in self._draw([state], metrics)]

    def give_back(self) -> None:
        """Take the bars off the screen for good, and let the streams be what they were."""
        if self._screen is not None:
            self._screen.finish()
        for guard in self._guards:
            guard.remove()
        self._screen, self._guards = None, []

    def _draw(self, states: Sequence[BarState], metrics: Mapping[str, float]) -> Sequence[str]:
        """Return the renderer's lines; a look that fails is replaced by tqdm's text."""
        if not states or self._screen is None:
            return ()
        columns = self._screen.size()[0] - 1
        try:
            return renderer_of(self._run).draw(states, metrics, columns) or ()
        except Exception as error:
            self._display.failures.append(error)
            replace_renderer(self._run)
            return renderer_of(self._run).draw(states, metrics, columns) or ()

    def _pass_text(self, text: str, write: Callable[[str], Any], flush_it: Callable[[], Any]) -> Any:
        if not self._display.at_home():
            return self._pass_in_child(text, write, flush_it)
        if not self._display.lock.acquire(timeout=PATIENCE):
            if self._screen is not None:
                self._screen.disturbed = True
            return write(text)
        try:
            if self._screen is None or self._screen.busy:
                return write(text)
            if self._left:
                self._flush_left()
            return self._screen.pass_text(text, write, flush_it)
        finally:
            self._display.lock.release()

    def _pass_in_child(self, text: str, write: Callable[[str], Any], flush_it: Callable[[], Any]) -> Any:
        """Write above the parent's bars from a forked child, which cannot ask the parent to make room."""
        screen = self._screen
        if screen is None:
            return write(text)
        write(screen.around(text))
        flush_it()
        return len(text)


class OwnSink:
    """Bars of a class that overrides ``display``: it is called at every frame and at the end."""

    urgent = True
    pause = 0.1

    def open(self, bar: ProgressBar[Any]) -> None:
        """Show the first frame."""
        if bar.delay <= 0:
            bar.display()

    def tick(self, bars: Sequence[ProgressBar[Any]], now: float) -> None:
        """Let every bar show itself."""
        for bar in bars:
            if now >= bar.start_t + bar.delay:
                bar.display()

    def close(self, bar: ProgressBar[Any], others: Sequence[ProgressBar[Any]], now: float) -> None:  # noqa: ARG002
        """Let the bar show its final state."""
        if bar.remains():
            bar.display()

    def hide(self) -> None:
        """The bar's own class knows how."""

    def give_back(self) -> None:
        """Nothing was taken."""


class _Look:
    """The renderer of one run."""

    def __init__(self, run: Run) -> None:
        from tipi_core.progress.renderer import TextRenderer

        self.renderer: ProgressRenderer = run.host.create_progress(run) or TextRenderer()
        run.defer(self.close)

    def close(self) -> None:
        from tipi_core.progress.renderer import TextRenderer

        old, self.renderer = self.renderer, TextRenderer()
        old.close()


def renderer_of(run: Run) -> ProgressRenderer:
    """Return the renderer of a run, asking its plugins at the first call."""
    return run.service(_Look).renderer


def replace_renderer(run: Run) -> None:
    """Put tqdm's text in the place of a renderer that raised."""
    from tipi_core.progress.renderer import TextRenderer

    run.service(_Look).renderer = TextRenderer()


def make_sink(style: str, bar: ProgressBar[Any], display: Display, device: int | None) -> Sink:
    """Return a new place for the bars of that style that are written to the file of ``bar``, on that device."""
    if style == "live":
        return LiveSink(unwrapped(bar.fp), bar.run, display, device)
    return NotebookSink(bar.run) if style == "notebook" else PlainSink(bar.fp, bar.settings)


def choose_style(file: Any, run: Run) -> str:
    """Return ``off``, ``plain``, ``live`` or ``notebook`` for bars that are written to ``file``."""
    style = settings_of(run).style
    if style == "off" or os.environ.get("RANK", "0") not in ("", "0") or (is_spawned() and not _leads()):
        return "off"
    if in_notebook(file):
        return style if style == "plain" else "notebook"
    live = style != "plain" and is_terminal(file) and os.environ.get("TERM") != "dumb"
    return "live" if live else "plain"


def _leads() -> bool:
    """Return whether a spawned process says that it is rank 0; a daemon inherited that and is a worker of rank 0."""
    import multiprocessing

    return os.environ.get("RANK") == "0" and not multiprocessing.current_process().daemon
