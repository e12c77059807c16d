"""Rich styles rendered once into the codes that switch them on."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

RESET = "\x1b[0m"


class Palette:
    """The codes of every part of a theme for one kind of terminal.

    Args:
        styles: Rich styles by part; two colours ``a..b`` blend over the filled part of a bar.
        system: Rich's colour system, or None for no colours.
    """

    def __init__(self, styles: Mapping[str, str], system: Any) -> None:
        self._styles = styles
        self._system = system
        self._codes: dict[str, str] = {}
        self._blends: dict[tuple[str, int], list[str]] = {}

    def paint(self, part: str, text: str) -> str:
        """Return ``text`` in the style of a part."""
        code = self.code(self._styles.get(part, ""))
        return f"{code}{text}{RESET}" if code and text else text

    def code(self, style: str) -> str:
        """Return what switches a Rich style on, empty for none or an unknown one."""
        if not style or self._system is None:
            return ""
        if style not in self._codes:
            self._codes[style] = self._render(style)
        return self._codes[style]

    def fill(self, part: str, cells: str, width: int, colour: str | None = None) -> str:
        """Return the filled cells of a bar that is ``width`` wide, blending where the style says so."""
        first, _, last = (colour or self._styles.get(part, "")).partition("..")
        if not last or self._system is None or self._system.name == "STANDARD":
            code = self.code(last or first)
            return f"{code}{cells}{RESET}" if code and cells else cells
        codes = self._blend(f"{first}..{last}", width)
        painted = "".join(
            cell if at and codes[at] == codes[at - 1] else codes[at] + cell for at, cell in enumerate(cells)
        )
        return f"{painted}{RESET}" if cells else ""

    def _render(self, style: str) -> str:
        from rich.errors import StyleSyntaxError
        from rich.style import Style

        try:
            text: str = Style.parse(style).render("\0", color_system=self._system)
        except StyleSyntaxError:
            return ""
        return text.partition("\0")[0]

    def _blend(self, style: str, width: int) -> list[str]:
        key = (style, width)
        if key not in self._blends:
            from rich.color import Color, blend_rgb
            from rich.style import Style

            first, last = (Color.parse(name).get_truecolor() for name in style.split(".."))
            steps = [blend_rgb(first, last, at / max(1, width - 1)) for at in range(width)]
            if len(self._blends) > 32:
                self._blends.clear()
            styles = [Style(color=Color.from_triplet(step)) for step in steps]
            self._blends[key] = [style.render("\0", color_system=self._system).partition("\0")[0] for style in styles]
        return self._blends[key]


def colour_system() -> Any:
    """Return what colours the terminal has, from its environment; None without any, or with ``NO_COLOR``."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM", "") in ("", "dumb", "unknown"):
        return None
    from rich.color import ColorSystem

    if os.environ.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        return ColorSystem.TRUECOLOR
    return ColorSystem.EIGHT_BIT if "256color" in os.environ["TERM"] else ColorSystem.STANDARD
