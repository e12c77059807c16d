"""The pictures in the docs, each made from a command's real output.

``python -m tests.docs.pictures`` makes them anew.
"""

import re
import sys
import tempfile
from pathlib import Path

from tests.docs.screen import draw, lines_of, run_on_terminal

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "pictures"
TIPI = [sys.executable, "-m", "tipi"]

PICTURES = {"quickstart": ["run", "quickstart"]}

# What differs from run to run and from machine to machine: ids, seconds and rates, and the last digits of sums that
# processors add up in their own order.
CHANGING = [
    (re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{6}"), "ID"),
    (re.compile(r"\s+\d+:\d\d(<\d+:\d\d)?"), " TIME"),
    (re.compile(r"\s+[\d.]+ ?k?(it/s|s/it)\b.*"), " RATE"),  # behind it stand as many metrics as there is room for
    (re.compile(r"\d+\.\d+(e-?\d+)?"), "N"),
    (re.compile(r"[━╸╺ ]+"), " "),
]


def make(name):
    """Return the lines on the screen after the command, and the picture of them."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = PICTURES[name]
        code, screen = run_on_terminal([*TIPI, *arguments], folder)
        texts = lines_of(screen)
        assert code == 0, "\n".join(text.plain for text in texts)
    return [text.plain for text in texts], draw(texts, f"tipi {' '.join(arguments)}")


def steady(lines):
    """Return the lines without what may differ."""
    result = []
    for line in lines:
        text = line
        for pattern, word in CHANGING:
            text = pattern.sub(word, text)
        result.append(text.strip())
    return result


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for each in PICTURES:
        plain, picture = make(each)
        (FOLDER / f"{each}.svg").write_text(picture, encoding="utf-8")
        (FOLDER / f"{each}.txt").write_text("\n".join(plain) + "\n", encoding="utf-8")
