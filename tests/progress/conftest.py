"""Programs run on a real pseudo-terminal, with the screen that a person would see."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from dataclasses import dataclass, field

import pyte
import pytest

READY = b"\x1b]0;shot\x07"  # a window title: invisible, and a mark in the stream


@dataclass
class Seen:
    """What a program left: its exit code, the screen, the raw bytes, the screen at each of its ``shot()`` calls."""

    code: int
    screen: pyte.Screen
    raw: bytes
    shots: list = field(default_factory=list)

    @property
    def lines(self):
        return lines_of(self.screen)

    @property
    def text(self):
        return "\n".join(self.lines)

    @property
    def cursor(self):
        return self.screen.cursor


def lines_of(screen):
    rows = [row.rstrip() for row in screen.display]
    while rows and not rows[-1]:
        rows.pop()
    return rows


PRELUDE = """
import sys, os, time, threading
from tipi.helpers import progress_bar, trange
def shot():
    '''Draw a frame and mark it: the test looks at the screen as it is now.'''
    from tipi_core.progress.display import display
    with display.lock:
        for sink in list(display._sinks.values()):
            sink.tick(display.bars(sink), time.time())
        os.write(2, b"\\x1b]0;shot\\x07")
"""


@pytest.fixture
def terminal(tmp_path):
    """Run Python code with its stderr (and stdout, unless it goes to a file) on a terminal of its own."""

    def run(
        code, columns=100, rows=24, stdout=None, interrupt=None, keys=(), prelude=PRELUDE, timeout=60, **environment
    ):
        script = tmp_path / "program.py"
        script.write_text(prelude + code)
        mine, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        env = {**os.environ, "TERM": "xterm-256color", "PYTHONWARNINGS": "error", **environment}
        env.pop("COLUMNS", None)
        out = open(stdout, "wb") if stdout else theirs  # noqa: SIM115 - closed once the program has it
        process = subprocess.Popen(
            [sys.executable, script], stdin=theirs, stdout=out, stderr=theirs, env=env, cwd=tmp_path,
            start_new_session=True, preexec_fn=take_terminal,  # noqa: PLW1509 - it only makes the terminal its own
        )  # fmt: skip
        os.close(theirs)
        if stdout:
            out.close()
        return watch(process, mine, columns, rows, interrupt, list(keys), timeout)

    return run


def take_terminal():
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def watch(process, descriptor, columns, rows, interrupt, keys, timeout):
    """Read until the program ends; send ``interrupt`` at its first shot, type ``keys`` once their patterns are seen."""
    screen = pyte.Screen(columns, rows)
    stream = pyte.ByteStream(screen)
    raw, shots, deadline = b"", [], time.monotonic() + timeout
    while time.monotonic() < deadline:
        ready, _, _ = select.select([descriptor], [], [], 0.05)
        try:
            data = os.read(descriptor, 65536) if ready else b""
        except OSError:
            data, ready = b"", [descriptor]
        if ready and not data:
            break
        raw += data
        *pieces, rest = data.split(READY)
        for piece in pieces:
            stream.feed(piece)
            shots.append(lines_of(screen))
            if interrupt is not None:
                os.write(descriptor, b"\x03") if interrupt == "ctrl-c" else process.send_signal(interrupt)
                interrupt = None
        stream.feed(rest)
        if keys and re.search(keys[0][0], raw, re.DOTALL):
            os.write(descriptor, keys.pop(0)[1])
        if not ready and process.poll() is not None:
            break
    else:
        process.send_signal(signal.SIGKILL)
        pytest.fail(f"the program hangs; screen:\n{lines_of(screen)}")
    code = process.wait(10)
    os.close(descriptor)
    return Seen(code, screen, raw, shots)
