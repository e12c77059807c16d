"""How wide text is on a terminal, for text that may carry colour codes."""

from __future__ import annotations

import re
from unicodedata import category, east_asian_width

_COLOUR = re.compile(r"(\x1b\[[0-9;:]*m)")
_NARROW = re.compile(r"[ -~\u00a1-\u00ac\u00ae-\u02ff\u2010-\u2026\u2500-\u25fc\u2713\u2717\u2800-\u28ff]*")


def width_of(text: str) -> int:
    """Return the columns that ``text`` takes.

    Example:
        >>> width_of("loss"), width_of("損失")
        (4, 4)
    """
    if text.isascii() and "\x1b" not in text:
        return len(text)
    plain = _COLOUR.sub("", text)
    return len(plain) if _NARROW.fullmatch(plain) else sum(map(_columns, plain))


def clip(text: str, columns: int, ending: str = "") -> str:
    """Return ``text`` cut to ``columns``, with ``ending`` where something was cut."""
    if width_of(text) <= columns:
        return text
    room = columns - len(ending)
    kept: list[str] = []
    for piece in _COLOUR.split(text):
        if piece.startswith("\x1b"):
            kept.append(piece)
            continue
        for letter in piece:
            room -= _columns(letter)
            if room >= 0:
                kept.append(letter)
    return "".join(kept) + (ending if columns >= len(ending) else "") + ("\x1b[0m" if "\x1b" in text else "")


def _columns(letter: str) -> int:
    if east_asian_width(letter) in "FW":
        return 2
    return 0 if category(letter) in ("Mn", "Me", "Cf") else 1
