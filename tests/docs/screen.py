"""A terminal without a person: run a command on a pseudo-terminal, keep its screen, draw it as SVG."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from itertools import groupby

import pyte
from rich.console import Console
from rich.style import Style
from rich.terminal_theme import TerminalTheme
from rich.text import Text

NORMAL = "282c34 e06c75 7ec775 deb86a 61a4ef c678dd 56b6c2 bec4ce"
BRIGHT = "6e7684 f08089 92db89 f2cc7e 7fb8ff da8cf1 6acad6 ffffff"


def _colours(text):
    return [tuple(bytes.fromhex(word)) for word in text.split()]


THEME = TerminalTheme((24, 26, 31), (214, 218, 226), _colours(NORMAL), _colours(BRIGHT))

# Rich fills in the braces; the fonts are the reader's own, so that a picture fetches nothing.
SVG = """<svg class="{unique_id}" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; \
font-size: {char_height}px; line-height: {line_height}px; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


HOME = b"/home/me/vision"


def run_on_terminal(command, folder, columns=100, rows=40, seconds=100, environment=None):
    """Run a command on a pseudo-terminal; return its exit code and the screen with its history.

    On the screen the folder is called ``HOME``: its real name is another one each time.
    """
    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    plain = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "COLUMNS", "LINES")}
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**plain, "TERM": "xterm-256color", "COLORTERM": "truecolor", **(environment or {})},
        stdin=child,
        stdout=child,
        stderr=child,
    )
    os.close(child)
    written = b""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if select.select([parent], [], [], 0.1)[0]:
            try:
                data = os.read(parent, 65536)
            except OSError:
                break
            if not data:
                break
            written += data
    os.close(parent)
    screen = pyte.HistoryScreen(columns, rows, history=1000)
    pyte.ByteStream(screen).feed(written.replace(os.path.realpath(folder).encode(), HOME))
    return process.wait(timeout=10), screen


def lines_of(screen):
    """Return the screen's lines, history first, as Rich texts with their colours; empty ones at the end are cut."""
    rows = [*screen.history.top, *(screen.buffer[row] for row in range(screen.lines))]
    texts = [_text(row, screen.columns) for row in rows]
    while texts and not texts[-1].plain.strip():
        texts.pop()
    return texts


def draw(texts, title, columns=100):
    """Return the texts as an SVG picture of a terminal."""
    console = Console(width=columns, record=True, file=open(os.devnull, "w"), force_terminal=True)  # noqa: SIM115
    for text in texts:
        console.print(text, no_wrap=True, crop=True)
    picture = console.export_svg(title=title, theme=THEME, code_format=SVG, unique_id="tipi")
    console.file.close()
    return "\n".join(line.rstrip() for line in picture.splitlines()) + "\n"


def _text(row, columns):
    text = Text(end="")
    cells = [row[column] for column in range(columns) if row[column].data]
    for style, alike in groupby(cells, _style):
        text.append("".join(cell.data for cell in alike), style)
    text.rstrip()
    return text


def _style(cell):
    color = cell.fg if cell.fg != "default" else None
    if color is None and "\u2800" <= cell.data <= "\u28ff":
        color = (
            "#d6dae2"  # a piece of its own: fonts differ in how wide braille is, and the marks beside it stay in line
        )
    if color and len(color) == 6 and all(digit in "0123456789abcdef" for digit in color.lower()):
        color = f"#{color}"
    elif color:
        color = color.replace("brown", "yellow").replace("bright", "bright_")
    return Style(color=color, bold=cell.bold, italic=cell.italics)
