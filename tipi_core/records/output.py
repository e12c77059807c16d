"""``log.txt``: what a run printed, as it stood on the screen at the end of each line."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|[\x00-\x08\x0b\x0c\x0e-\x1f]")
MOST_BYTES = 100 * 2**20


def last_state(line: str) -> str:
    r"""Return what is left of a line that was written over: the text behind the last return, without control codes.

    Example:
        >>> last_state("10%\r100% done \x1b[32mok\x1b[0m")
        '100% done ok'
    """
    return CONTROL.sub("", line.rstrip("\r").rpartition("\r")[2]).rstrip()


class OutputLog:
    """Writes whole lines of several streams into one file; a disk that is full ends it and nothing else.

    Args:
        file: The file, made or appended to.
    """

    def __init__(self, file: Path) -> None:
        self._file: IO[str] | None = file.open("a", encoding="utf-8", errors="replace")
        self._left = MOST_BYTES
        self._lock = threading.Lock()

    def write(self, line: str) -> None:
        """Write one line."""
        with self._lock:
            if self._file is None or self._left <= 0:
                return
            try:
                self._file.write(f"{line}\n")
                self._file.flush()
                self._left -= len(line) + 1
            except OSError:
                self._file = None

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None


class Tee:
    """A text stream that also fills an :class:`OutputLog`; everything else is the stream's own.

    Args:
        stream: Where the text goes.
        log: What keeps it.
    """

    def __init__(self, stream: Any, log: OutputLog) -> None:
        self._stream = stream
        self._log = log
        self._rest = ""

    def write(self, text: str) -> int:
        """Write text to the stream, and its whole lines to the log."""
        written: int = self._stream.write(text)
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._log.write(last_state(line))
        if len(self._rest) > 2**16:  # a bar that never ends its line: only its last frame counts
            self._rest = self._rest.rpartition("\r")[2][-(2**16) :]
        return written

    def writelines(self, lines: Any) -> None:
        """Write several texts."""
        for line in lines:
            self.write(line)

    def finish(self) -> None:
        """Keep what stands on a line without an end."""
        if last_state(self._rest):
            self._log.write(last_state(self._rest))
        self._rest = ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def keep_output(file: Path) -> Iterator[None]:
    """Keep what Python writes to stdout and stderr while the block lasts.

    Args:
        file: Where to; what other processes write past Python is not seen.
    """
    log = OutputLog(file)
    streams = sys.stdout, sys.stderr
    tees = [Tee(stream, log) if stream is not None else None for stream in streams]
    sys.stdout, sys.stderr = tees
    try:
        yield
    finally:
        sys.stdout, sys.stderr = streams
        for tee in tees:
            if tee is not None:
                tee.finish()
        log.close()
