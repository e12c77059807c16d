"""Colours of curves: told apart by people who see few colours, on light and on dark ground."""

from __future__ import annotations

LIGHT = ("#0067b1", "#c44500", "#007a5a", "#a3268f", "#8a6d00", "#0e7c9b", "#b3123d", "#5b6472")
DARK = ("#5db1ff", "#ff9154", "#3fd0a2", "#e58ad8", "#e3c04a", "#63d2ee", "#ff7a96", "#b8bec9")
DASHES = ("", "7 4", "2 4", "9 3 2 3")


def style_of(run: int) -> tuple[str, str]:
    """Return the colour and dashes of a run's curves, as CSS knows them.

    Example:
        >>> style_of(0), style_of(8)
        (('var(--c0)', ''), ('var(--c0)', '7 4'))
    """
    return f"var(--c{run % len(LIGHT)})", DASHES[run // len(LIGHT) % len(DASHES)]


def variables(colours: tuple[str, ...]) -> str:
    """Return the colours as CSS variables."""
    return "".join(f"--c{number}:{colour};" for number, colour in enumerate(colours))
