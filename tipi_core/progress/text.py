"""The width of text on a terminal, and a user's text made harmless for it."""

from __future__ import annotations

import re

COLOUR_PATTERN = r"\x1b\[[0-9;:]*m"
NARROW_PATTERN = r"[ -~\u00a1-\u00ac\u00ae-\u02ff\u2010-\u2026\u2500-\u25fc\u2713\u2717\u2800-\u28ff]*"
RESET = "\x1b[0m"


def width_of(text: str) -> int:
    """Return how many columns ``text`` takes: wide characters two, combining ones none, colour codes none.

    Example:
        >>> width_of("a"), width_of("\u6f22"), width_of("e\u0301")
        (1, 2, 1)
    """
    if text.isascii() and "\x1b" not in text:
        return len(text)
    plain = without_colour(text)
    return len(plain) if re.fullmatch(NARROW_PATTERN, plain) else sum(map(_columns, plain))


def _columns(character: str) -> int:
    from unicodedata import category, east_asian_width

    if east_asian_width(character) in "FW":
        return 2
    return 0 if category(character) in ("Mn", "Me", "Cf") else 1


def without_colour(text: str) -> str:
    """Return ``text`` without the codes that change colours."""
    if "\x1b" not in text:
        return text
    return re.sub(COLOUR_PATTERN, "", text)


def clip(text: str, columns: int, ending: str = "") -> str:
    """Return ``text`` cut to ``columns``, with ``ending`` as its last characters where something was cut."""
    if width_of(text) <= columns:
        return text
    room = max(0, columns - width_of(ending))
    kept: list[str] = []
    for piece in re.split(f"({COLOUR_PATTERN})", text):
        if piece.startswith("\x1b"):
            kept.append(piece)
            continue
        for character in piece:
            room -= _columns(character)
            if room < 0:
                break
            kept.append(character)
    return "".join(kept) + (ending if columns >= width_of(ending) else "") + (RESET if "\x1b" in text else "")


def harmless(text: str, keep: str = "") -> str:
    r"""Return ``text`` with every control character spelled out, so that it cannot move the cursor.

    Colour codes stay, closed at the end; the characters in ``keep`` stay too.

    Example:
        >>> harmless("[1/10] \n")
        '[1/10] \\n'
    """
    if text.isprintable():
        return text
    pieces = re.split(f"({COLOUR_PATTERN})", text)
    coloured = len(pieces) > 1
    done = [piece if at % 2 else "".join(_spell(letter, keep) for letter in piece) for at, piece in enumerate(pieces)]
    return "".join(done) + (RESET if coloured and not text.endswith(RESET) else "")


def _spell(letter: str, keep: str) -> str:
    from unicodedata import bidirectional, category

    if letter in keep:
        return letter
    kind = category(letter)
    moves = kind in ("Cc", "Cs", "Zl", "Zp") or (
        kind == "Cf" and bidirectional(letter) in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
    )
    return letter.encode("unicode_escape").decode("ascii") if moves else letter
