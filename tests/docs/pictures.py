"""The pictures in the docs, each made from a command's real output.

``python -m tests.docs.pictures`` makes them anew, all or those that are named.
"""

import re
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.docs.screen import draw, lines_of, run_on_terminal

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "pictures"
SHOWN = Path(__file__).resolve().parent / "shown"
KILLED = -9


@dataclass(frozen=True)
class Picture:
    """A command that is run on a terminal: ``python`` or ``tipi`` with its words, and the code that it ends with.

    Its files come from the folder of the picture's name in ``shown``, if there is one. A program that ends itself in
    the middle of a loop leaves the frame that was on the screen.
    """

    command: str
    code: int = 0

    def words(self):
        tool, *rest = self.command.split()
        return [sys.executable, *(["-m", "tipi"] if tool == "tipi" else []), *rest]


PICTURES = {
    "quickstart": Picture("tipi run quickstart"),
    "bar": Picture("python train.py", KILLED),
    "nested": Picture("tipi run train", KILLED),
    "finished": Picture("python train.py"),
    "failed": Picture("tipi run train", 1),
}

# What differs from run to run and from machine to machine: ids, seconds and rates, and the last digits of sums that
# processors add up in their own order.
CHANGING = [
    (re.compile(r"[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]"), "*"),
    (re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{6}"), "ID"),
    (re.compile(r"\s+\d+:\d\d(<\d+:\d\d)?"), " TIME"),
    (re.compile(r"\s+[\d.]+[kMG]? ?(\w+/s|s/\w+)\b.*"), " RATE"),  # and as many metrics as there is room for
    (re.compile(r"\d+\.\d+(e-?\d+)?"), "N"),
    (re.compile(r"[━╸╺ ]+"), " "),
]


def make(name):
    """Return the lines on the screen after the command, and the picture of them."""
    picture = PICTURES[name]
    with tempfile.TemporaryDirectory() as folder:
        if (SHOWN / name).is_dir():
            shutil.copytree(SHOWN / name, folder, dirs_exist_ok=True)
            shutil.copy(SHOWN / "stop.py", folder)
        code, screen = run_on_terminal(picture.words(), folder)
        texts = lines_of(screen)
        assert code == picture.code, "\n".join(text.plain for text in texts)
    return [text.plain for text in texts], draw(texts, picture.command)


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
    for each in sys.argv[1:] or PICTURES:
        plain, picture = make(each)
        (FOLDER / f"{each}.svg").write_text(picture, encoding="utf-8")
        (FOLDER / f"{each}.txt").write_text("\n".join(plain) + "\n", encoding="utf-8")
