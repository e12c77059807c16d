"""Whether the process that wrote a record still lives, for the cases in which its lock cannot tell.

A lock is lost when the owner closes any descriptor of the file (copying its own run's folder is enough), and some
network file systems have none. On one host, the process id together with its start says the same.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def own_identity() -> dict[str, Any]:
    """Return what identifies this process, for ``run.json``.

    Example:
        >>> own_identity()["pid"] == os.getpid()
        True
    """
    pid = os.getpid()
    return {"pid": pid, "pid_start": process_start(pid), "host": platform.node()}


def process_start(pid: int) -> int | None:
    """Return when a process started, in clock ticks since the machine did; None if it is gone or nobody can tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return None
    return None if fields[0] in (b"Z", b"X") else int(fields[19])


def is_alive(info: Mapping[str, Any]) -> bool:
    """Return whether the process of a ``run.json`` lives on this host for sure."""
    pid, start = info.get("pid"), info.get("pid_start")
    here = info.get("host") == platform.node()
    return here and isinstance(pid, int) and start is not None and process_start(pid) == start
