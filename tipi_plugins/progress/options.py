"""What a user may choose about the look of one run's bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tipi.plugin import ConfigError, did_you_mean

if TYPE_CHECKING:
    from tipi.plugin import Run

COLUMNS = ("desc", "bar", "percent", "count", "time", "rate", "postfix", "metrics")

_TIPI = {
    "desc": "bold",
    "bar": "#6366f1..#22d3ee",
    "rest": "bright_black",
    "finished": "#34d399",
    "stopped": "#fbbf24",
    "failed": "#f87171",
    "percent": "bold",
    "count": "",
    "time": "bright_black",
    "left": "cyan",
    "rate": "bright_black",
    "postfix": "",
    "name": "bright_black",
    "value": "bold",
    "guide": "bright_black",
}
_MONO = {"bar": "white", "left": "", "finished": "white", "stopped": "white", "failed": "reverse"}

THEMES: Mapping[str, Mapping[str, str]] = {
    "tipi": _TIPI,
    "ember": {**_TIPI, "bar": "#f43f5e..#fbbf24", "left": "yellow"},
    "forest": {**_TIPI, "bar": "#15803d..#a3e635", "left": "green"},
    "mono": {**_TIPI, **_MONO},
    "plain": {},
}


class LookOptions:
    """The columns and styles of one run, changed by :meth:`change`.

    Attributes:
        columns: The columns to show, of :data:`COLUMNS`.
        styles: A Rich style for each part; ``bar`` may be two colours ``a..b`` that blend.
        version: Grows with every change.
    """

    def __init__(self, run: Run | None = None) -> None:
        around = run.parent.service(LookOptions) if run is not None and run.parent is not None else None
        self.columns: tuple[str, ...] = around.columns if around else COLUMNS
        self.styles: dict[str, str] = dict(around.styles if around else _TIPI)
        self.version = 0

    def change(self, columns: Sequence[str] | None = None, theme: str | Mapping[str, str] | None = None) -> None:
        """Take over columns and theme where they are given.

        Args:
            columns: Names from :data:`COLUMNS`, in any order; they are shown in that of :data:`COLUMNS`.
            theme: The name of a theme, or styles by part over the theme ``tipi``.

        Raises:
            ConfigError: An unknown column, theme, part or style.
        """
        if columns is not None:
            for name in columns:
                _known(name, COLUMNS, "column")
            self.columns = tuple(name for name in COLUMNS if name in columns)
        if theme is not None:
            self.styles = _styles_of(theme)
        self.version += 1


def _styles_of(theme: str | Mapping[str, str]) -> dict[str, str]:
    if isinstance(theme, str):
        _known(theme, THEMES, "theme")
        return dict(THEMES[theme])
    for part, style in theme.items():
        _known(part, _TIPI, "part of a theme")
        _check_style(part, style)
    return {**_TIPI, **theme}


def _check_style(part: str, style: str) -> None:
    from rich.errors import StyleSyntaxError
    from rich.style import Style

    for text in style.split(".."):
        try:
            Style.parse(text)
        except StyleSyntaxError as error:
            raise ConfigError(f"{style!r} is no style for {part!r}", hint=str(error)) from None


def _known(name: Any, choices: Any, kind: str) -> None:
    if name not in choices:
        raise ConfigError(f"no {kind} {name!r}", hint=did_you_mean(str(name), choices, "there are"))
