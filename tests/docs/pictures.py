"""The pictures in the docs, each made from a command's real output.

``python -m tests.docs.pictures`` makes them anew, all or those that are named; ``curves`` needs Chromium for its page.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.docs.screen import draw, lines_of, run_on_terminal

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "pictures"
SHOWN = Path(__file__).resolve().parent / "shown"
KILLED = -9
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@dataclass(frozen=True)
class Picture:
    """A command that is run on a terminal: ``python`` or ``tipi`` with its words, and the code that it ends with.

    Its files come from a folder in ``shown``, that of the picture's name or another, if there is one. A program that
    ends itself in the middle of a loop leaves the frame that was on the screen.
    """

    command: str
    code: int = 0
    folder: str | None = None
    before: tuple[str, ...] = ()

    def words(self):
        return words_of(self.command)


def words_of(command):
    tool, *rest = command.split()
    return [sys.executable, *(["-m", "tipi"] if tool == "tipi" else []), *rest]


THREE = ("python train.py 0.1", "python train.py 0.3", "python train.py 1.0")


PICTURES = {
    "quickstart": Picture("tipi run quickstart"),
    "bar": Picture("python train.py", KILLED),
    "nested": Picture("tipi run train", KILLED),
    "finished": Picture("python train.py"),
    "failed": Picture("tipi run train", 1),
    "runs": Picture("tipi runs", folder="runs", before=THREE),
    "show": Picture("tipi runs show latest~1", folder="runs", before=THREE),
    "plot": Picture("tipi runs plot loss,val.loss latest latest~1 latest~2 --x epoch", folder="runs", before=THREE),
}

# What differs from run to run and from machine to machine: ids, seconds and rates, and the last digits of sums that
# processors add up in their own order.
CHANGING = [
    (re.compile(r"[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]"), "*"),
    (re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{6}"), "ID"),
    (re.compile(r"\b[0-9a-f]{6}\b"), "ID"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d.* s\b"), "DATE"),
    (re.compile(r"(?<=DATE)  \S+$"), ""),  # the machine's name
    (re.compile(r"\s+\d+:\d\d(<\d+:\d\d)?"), " TIME"),
    (re.compile(r"\s+[\d.]+[kMG]? ?(\w+/s|s/\w+)\b.*"), " RATE"),  # and as many metrics as there is room for
    (re.compile(r"\d+\.\d+(e-?\d+)?"), "N"),
    (re.compile(r"[━╸╺ ]+"), " "),
]


def make(name):
    """Return the lines on the screen after the command, and the picture of them."""
    picture = PICTURES[name]
    with tempfile.TemporaryDirectory() as folder:
        fill(folder, picture.folder or name, picture.before)
        code, screen = run_on_terminal(picture.words(), folder)
        texts = lines_of(screen)
        assert code == picture.code, "\n".join(text.plain for text in texts)
    return [text.plain for text in texts], draw(texts, picture.command)


def fill(folder, name, before=()):
    """Copy the files of a picture, and run what comes before it, where nobody sees it."""
    if (SHOWN / name).is_dir():
        shutil.copytree(SHOWN / name, folder, dirs_exist_ok=True)
        shutil.copy(SHOWN / "stop.py", folder)
    for command in before:
        environment = {**os.environ, "WANDB_MODE": "disabled"}
        subprocess.run(words_of(command), cwd=folder, env=environment, check=True, capture_output=True)


def make_curves():
    """Return the picture that ``tipi runs plot --svg`` writes, and the page that ``--html`` writes."""
    plot = PICTURES["plot"]
    with tempfile.TemporaryDirectory() as folder:
        fill(folder, plot.folder, plot.before)
        command = [*plot.words(), "--svg", "curves.svg", "--html", "page.html"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        return [(Path(folder) / name).read_text(encoding="utf-8") for name in ("curves.svg", "page.html")]


POINT = """<script>
const first = document.querySelector("#chart-0 svg"), box = first.getBoundingClientRect();
first.dispatchEvent(new PointerEvent("pointermove", { clientX: box.left + 420, clientY: box.top + 60 }));
</script></body>"""


def photograph(page):
    """Return a PNG of the page in Chromium, with the pointer on a curve."""
    with tempfile.TemporaryDirectory() as folder:
        file, shot = Path(folder) / "page.html", Path(folder) / "page.png"
        file.write_text(page.replace("</body>", POINT), encoding="utf-8")
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--virtual-time-budget=3000"]
        command = [CHROMIUM, *options, "--window-size=1040,960", f"--user-data-dir={folder}/profile"]
        subprocess.run([*command, f"--screenshot={shot}", file.as_uri()], check=True, capture_output=True)
        return shot.read_bytes()


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
    if not sys.argv[1:] or "curves" in sys.argv[1:]:
        svg, html = make_curves()
        (FOLDER / "curves.svg").write_text(svg, encoding="utf-8")
        (FOLDER / "page.png").write_bytes(photograph(html))
    for each in [name for name in sys.argv[1:] or PICTURES if name != "curves"]:
        plain, picture = make(each)
        (FOLDER / f"{each}.svg").write_text(picture, encoding="utf-8")
        (FOLDER / f"{each}.txt").write_text("\n".join(plain) + "\n", encoding="utf-8")
