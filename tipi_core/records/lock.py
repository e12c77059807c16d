"""The lock of a run: held while its process lives, free the moment it dies, however it dies.

It is a POSIX record lock: closing any descriptor of the file in the owning process would drop it, and it does not
exclude threads. So the owner opens the file once and keeps it open, and everyone in its process asks the table of
held runs first.
"""

from __future__ import annotations

import errno
import os
import struct
import sys
from pathlib import Path

from tipi_core.errors import LockedError
from tipi_core.records.layout import LOCK

_held: dict[Path, tuple[int, int]] = {}  # folder -> (pid of the holder, descriptor): the table of held runs


def acquire(folder: Path) -> bool:
    """Take the lock of a run's folder; return False where the file system has no locks, such as some clusters'.

    Raises:
        LockedError: Another process, or this one, holds it.
        OSError: The lock file cannot be made.
    """
    folder = folder.resolve()
    if held_here(folder):
        raise LockedError(f"run {folder.name} is held by this process", where=str(folder))
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        locked = _lock(descriptor)
    except OSError:
        os.close(descriptor)
        raise LockedError(f"run {folder.name} is held by another process", where=str(folder)) from None
    _held[folder] = (os.getpid(), descriptor)
    return locked


def release(folder: Path) -> None:
    """Let go of a lock that this process holds; in a forked child, do nothing."""
    folder = folder.resolve()
    if held_here(folder):
        os.close(_held.pop(folder)[1])


def held_here(folder: Path) -> bool:
    """Return whether this very process, not one it was forked from, holds the lock."""
    return _held.get(folder.resolve(), (0, 0))[0] == os.getpid()


def is_held(folder: Path) -> bool:
    """Return whether any process holds the lock of a run; the lock is not taken to find out."""
    if held_here(folder):
        return True
    try:
        import fcntl
    except ImportError:  # Windows has no record locks to ask
        return False
    try:
        descriptor = os.open(folder / LOCK, os.O_RDONLY)  # a colleague's run can be looked at, not written
    except OSError:
        return False
    try:
        form, position = ("qqihh", 3) if sys.platform == "darwin" else ("hhqqi4x", 0)
        fields = [0, 0, 0, 0, 0]
        fields[position] = fcntl.F_WRLCK
        answer = fcntl.fcntl(descriptor, fcntl.F_GETLK, struct.pack(form, *fields))
        return bool(struct.unpack(form, answer)[position] != fcntl.F_UNLCK)
    except OSError:
        return False
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    try:
        import fcntl
    except ImportError:
        return False
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EAGAIN):
            raise
        return False
    return True
