"""``log.txt``: what a run printed, line by line as it stood on the screen."""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from tipi_core.config.secrets import mask_prose
from tipi_core.errors import TipiError
from tipi_core.records.layout import LOG

if TYPE_CHECKING:
    from tipi_core.records.writer import RunRecord

CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|[\x00-\x08\x0b\x0c\x0e-\x1f]")
MOVES = re.compile(r"(\n|\x1b\[\d*A)")
MOST_BYTES = 100 * 2**20
MOST_WAITING = 10_000
MOST_ROWS = 256  # of a terminal: how far up a program may go back
LONGEST = 2**16
FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT


def last_state(line: str) -> str:
    r"""Return what is left of a line that was written over: the text behind the last return, without control codes.

    Example:
        >>> last_state("10%\r100% done \x1b[32mok\x1b[0m")
        '100% done ok'
    """
    return CONTROL.sub("", line.rstrip("\r").rpartition("\r")[2])


class OutputLog:
    """Keeps the lines of several streams in a record's log; a disk that is full ends it and nothing else.

    A program that draws in place goes some lines up and writes over them: then these are taken back out of the file,
    which so always holds what stands on the screen. Lines that come before there is a record wait for it. Forked
    children put their lines in between.

    Args:
        find_record: Returns the record, once there is one.
    """

    def __init__(self, find_record: Callable[[], RunRecord | None]) -> None:
        self._find_record = find_record
        self._record: RunRecord | None = None
        self._file: int | None = None
        self._rows: list[tuple[object, str, int]] = []  # of which stream, its text, its bytes in the file
        self._saved = 0  # so many of them are in the file
        self._end = self._size = 0  # of the rows in the file that stay, and of the file as it was left
        self.pid = os.getpid()
        self._over = False
        self.lock = threading.RLock()

    def add(self, source: object, line: str) -> None:
        """Put a line of a source at the end."""
        self._rows.append((source, line, 0))

    def take_back(self, source: object, count: int) -> str:
        """Take the last so many lines of a source away; return the first of them."""
        text = ""
        for place in range(len(self._rows) - 1, -1, -1):
            if count and self._rows[place][0] is source:
                text = self._rows[place][1]
                self._forget_from(place)
                count -= 1
        return text

    def save(self) -> None:
        """Write what changed."""
        try:
            changed = self._saved < len(self._rows) or self._end < self._size
            if changed and not self._over and self._is_open():
                self._write()
        except OSError:
            self._over = True
        keep = MOST_ROWS if self._file is not None or self._over else MOST_WAITING
        gone = max(0, len(self._rows) - keep)
        del self._rows[:gone]
        self._saved = max(0, self._saved - gone)

    def add_in_child(self, line: str) -> None:
        """Put a line of a forked child at the end, through a descriptor of its own, since locks are by descriptor."""
        record = self._record or self._find_record()
        if record is None or self._over or not line.strip():
            return
        with suppress(OSError):
            file = os.open(record.path / LOG, FLAGS, 0o644)
            try:
                with _locked(file):
                    os.write(file, _encode(line, record))
            finally:
                os.close(file)

    def close(self) -> None:
        """Write the rest and close the file."""
        self.save()
        self._over = True
        if self._file is not None:
            os.close(self._file)

    def _forget_from(self, place: int) -> None:
        """Remove a row; it and all behind it have to be written anew."""
        for _, _, size in self._rows[place : self._saved]:
            self._end -= size
        self._saved = min(self._saved, place)
        del self._rows[place]

    def _is_open(self) -> bool:
        if self._file is None:
            self._record = self._find_record()
            if self._record is not None:
                self._file = os.open(self._record.path / LOG, FLAGS, 0o644)
                self._end = self._size = os.fstat(self._file).st_size
        return self._file is not None

    def _write(self) -> None:
        assert self._file is not None
        assert self._record is not None
        with _locked(self._file):
            data = self._cut() if self._end < self._size else b""
            self._end = len(data) + os.fstat(self._file).st_size
            for place in range(self._saved, len(self._rows)):
                source, text, _ = self._rows[place]
                line = _encode(text, self._record)
                self._rows[place] = (source, text, len(line))
                self._end += len(line)
                data += line
            os.write(self._file, data)
            self._size = self._end
        self._saved = len(self._rows)
        self._over = self._end > MOST_BYTES

    def _cut(self) -> bytes:
        """Take back what is in the file already; return what forked children wrote behind it."""
        assert self._file is not None
        others = os.pread(self._file, MOST_BYTES, self._size)
        os.ftruncate(self._file, self._end)
        return others


def _encode(line: str, record: RunRecord) -> bytes:
    return f"{mask_prose(line.rstrip(), record.secrets)}\n".encode(errors="replace")


@contextmanager
def _locked(file: int) -> Iterator[None]:
    """Keep forked children and their parent from writing at once, where the system has locks."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    with suppress(OSError):  # some network file systems have none
        fcntl.flock(file, fcntl.LOCK_EX)
    try:
        yield
    finally:
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_UN)


class Tee:
    """Takes part in what is written to a stream, which stays the object that it is, until :meth:`remove`.

    Args:
        stream: A text stream.
        log: What keeps its lines.
        screen: What the stream writes on; streams on one terminal share it.
    """

    def __init__(self, stream: Any, log: OutputLog, screen: list[str]) -> None:
        self._stream = stream
        self._log = log
        self._screen = screen  # its one entry is the line that has no end yet
        self._write, self._writelines = stream.write, stream.writelines
        stream.write, stream.writelines = self.write, self.writelines

    def write(self, text: str) -> int:
        """Write text to the stream, and its lines to the log."""
        written: int = self._write(text)
        if os.getpid() != self._log.pid:
            self._keep_in_child(text)
            return written
        with self._log.lock:
            if "\n" in text or "\x1b" in text:
                for piece in MOVES.split(text):
                    self._keep(piece)
                self._log.save()
            else:
                self._keep(text)
        return written

    def writelines(self, lines: Iterable[str]) -> None:
        """Write several texts."""
        self.write("".join(lines))

    def remove(self) -> None:
        """Keep what stands on a line without an end, and leave the stream alone."""
        if last_state(self._screen[0]).strip():
            self._log.add(self._screen, last_state(self._screen[0]))
        self._screen[0] = ""
        if self._stream.write == self.write:
            self._stream.write, self._stream.writelines = self._write, self._writelines

    def _keep_in_child(self, text: str) -> None:
        """Keep whole lines; where they stand on the screen only the parent knows."""
        *lines, self._screen[0] = f"{self._screen[0]}{text}".split("\n")
        for line in lines:
            self._log.add_in_child(last_state(line))

    def _keep(self, piece: str) -> None:
        if piece == "\n":
            self._log.add(self._screen, last_state(self._screen[0]))
            self._screen[0] = ""
        elif MOVES.fullmatch(piece):
            self._screen[0] = self._log.take_back(self._screen, int(piece[2:-1] or 1))
        else:
            self._screen[0] += piece
            if len(self._screen[0]) > LONGEST:
                self._screen[0] = self._screen[0].rpartition("\r")[2][-LONGEST:]


@contextmanager
def keep_output(find_record: Callable[[], RunRecord | None]) -> Iterator[None]:
    """Keep what Python writes to stdout and stderr while the block lasts.

    Args:
        find_record: Returns the record to keep it in, once there is one; what other processes write past Python is
            not seen.
    """
    log = OutputLog(find_record)
    screens: dict[object, list[str]] = {}
    streams = {id(stream): stream for stream in (sys.stdout, sys.stderr) if stream is not None}
    tees = [Tee(stream, log, screens.setdefault(_screen_of(stream), [""])) for stream in streams.values()]
    try:
        yield
    except TipiError as error:  # which the command line prints when the block is over
        for line in error.report().splitlines():
            log.add(None, line)
        raise
    finally:
        for tee in tees:
            tee.remove()
        log.close()


def _screen_of(stream: Any) -> object:
    """Return what tells the terminal of a stream from others; what is no terminal is only itself."""
    try:
        return os.fstat(stream.fileno()).st_rdev if stream.isatty() else id(stream)
    except (OSError, ValueError, AttributeError):
        return id(stream)
