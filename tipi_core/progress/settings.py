"""How the bars of one run are shown: how often, in which style."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from tipi_core.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from tipi_core.run import Run

STYLES = ("auto", "plain", "off")


class DisplaySettings:
    """The options of :func:`configure_display`, one instance a run.

    Attributes:
        style: ``auto``: live on a terminal or in a notebook, plain lines elsewhere; ``plain``: lines everywhere;
            ``off``: nothing. ``TIPI_PROGRESS`` sets it for a whole process.
        refresh: Frames a second on a live display.
        interval: Seconds that pass at least between two plain lines of a bar.
        percent: Progress in percent between two plain lines of a bar, while they are less than a minute apart.
    """

    def __init__(self, run: Run | None = None) -> None:
        style = os.environ.get("TIPI_PROGRESS", "auto")
        self.style: str = style if style in STYLES else "auto"
        self.refresh: float = 10.0
        self.interval: float = 10.0
        self.percent: float = 10.0
        if run is not None and run.parent is not None:
            vars(self).update(vars(settings_of(run.parent)))


def settings_of(run: Run) -> DisplaySettings:
    """Return the settings of a run; they start as those of the run around it."""
    return run.service(DisplaySettings)


def configure_display(run: Run, **options: Any) -> None:
    """Change how the bars of ``run`` are shown from now on.

    Args:
        run: The run whose bars to change.
        options: Attributes of :class:`DisplaySettings`.

    Raises:
        ConfigError: An unknown option, or a value that it cannot have.

    Example:
        >>> from tipi_core.run import Run
        >>> configure_display(Run("example"), style="plain", interval=60)
    """
    settings = settings_of(run)
    for name, value in options.items():
        _check(settings, name, value)
        setattr(settings, name, value)


def _check(settings: DisplaySettings, name: str, value: Any) -> None:
    if name not in vars(settings):
        hint = did_you_mean(name, vars(settings), "the options are")
        raise ConfigError(f"no display option {name!r}", hint=hint)
    if name == "style":
        if value not in STYLES:
            raise ConfigError(f"no progress style {value!r}", hint=f"one of {', '.join(STYLES)}")
    elif isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= 86400:
        raise ConfigError(f"{name} must be a positive number, not {value!r}")
