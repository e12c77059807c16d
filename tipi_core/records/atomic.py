"""Replacing and appending so that a crash at any moment leaves whole files and whole lines."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from tipi_core.errors import StorageError

BLOCK_BYTES = 2**15


def replace_file(path: Path, data: bytes) -> None:
    """Put ``data`` in place of a file: a temporary file beside it, synced, then renamed, then the folder synced.

    Raises:
        OSError: No space, no permission; the old file is untouched then.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with draft.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make renames in a folder durable, where the system can; some network file systems refuse, after the rename."""
    if os.name != "posix":
        return
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def append_lines(descriptor: int, data: bytes) -> None:
    """Write whole lines to a descriptor opened with ``O_APPEND``; a short write is taken back.

    Raises:
        OSError: No space; nothing of ``data`` is in the file then.
    """
    size = os.fstat(descriptor).st_size
    written = os.write(descriptor, data)
    if written == len(data):
        return
    os.ftruncate(descriptor, size)
    raise OSError(errno.ENOSPC, "no space left for whole lines")


def read_whole_lines(file: Path) -> Iterator[bytes]:
    """Yield a file in blocks of whole lines, without a torn last one; nothing where there is no file.

    Blocks are small: the rows of larger ones would be old enough for the garbage collector to look at them.

    Raises:
        StorageError: The file cannot be opened.
    """
    try:
        source = file.open("rb")
    except FileNotFoundError:
        return
    except OSError as error:
        raise StorageError(f"cannot read {file.name}: {error.strerror}", where=str(file.parent)) from error
    with source:
        rest = b""
        while data := source.read(BLOCK_BYTES):
            whole = whole_lines(rest + data) if rest else whole_lines(data)
            rest = (rest + data)[len(whole) :]
            if whole:
                yield whole


def read_last_lines(file: Path) -> bytes:
    """Return the last whole lines of a file, as far as one block goes; nothing where it cannot be read."""
    try:
        with file.open("rb") as source:
            begin = max(0, source.seek(0, os.SEEK_END) - BLOCK_BYTES)
            source.seek(begin)
            data = whole_lines(source.read())
    except OSError:
        return b""
    return data[data.find(b"\n") + 1 :] if begin else data


def whole_lines(data: bytes) -> bytes:
    r"""Return the data without a torn last line.

    Example:
        >>> whole_lines(b'{"a": 1}\n{"b"')
        b'{"a": 1}\n'
    """
    return data[: data.rfind(b"\n") + 1]
