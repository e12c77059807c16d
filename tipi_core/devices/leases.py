"""Leases: which devices the other runs of this user have taken, so that two runs started together take different ones.

A lease is a locked file in a folder of the temporary directory that only this user can enter. It is gone the moment
its process is, however that ends: nothing is ever stale, and nothing here waits. Other users are seen by the memory
that they take. Where there are no locks, there are no leases.
"""

from __future__ import annotations

import os
import re
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tipi_core.errors import LockedError
from tipi_core.records.lock import acquire, is_held, release

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tipi_core.devices.info import DeviceInfo

PRIVATE = 0o700


def lease_folder() -> Path | None:
    """Return this user's folder of leases, made if need be; None where it is not this user's alone.

    Example:
        >>> lease_folder()  # doctest: +SKIP
        PosixPath('/tmp/tipi-1000')
    """
    if not hasattr(os, "getuid"):
        return None
    try:
        folder = Path(tempfile.gettempdir()) / f"tipi-{os.getuid()}"
        folder.mkdir(mode=PRIVATE, exist_ok=True)
        facts = folder.lstat()
    except OSError:  # no temporary directory at all, or none that can be written
        return None
    mine = stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.getuid()
    # a folder whose new entries get its group hands that mark down, which lets nobody in
    return folder if mine and stat.S_IMODE(facts.st_mode) & ~stat.S_ISGID == PRIVATE else None


def take_lease(device: DeviceInfo) -> Path | None:
    """Take a device for this process; return what to hand to :func:`return_lease`, None where there are no leases.

    Raises:
        LockedError: Another run of this user has it.
    """
    folder = lease_folder()
    if folder is None or device.type == "cpu":
        return None
    place = _place(folder, device)
    try:
        place.mkdir(mode=PRIVATE, exist_ok=True)
        if not acquire(place):
            release(place)
            return None
    except OSError:
        return None
    with suppress(OSError):  # on a full disk the lease holds all the same
        (place / "pid").write_text(str(os.getpid()), encoding="utf-8")
    return place


def return_lease(place: Path) -> None:
    """Give a device back; a child that was forked from the run has nothing to give."""
    release(place)


def find_leases(devices: Iterable[DeviceInfo]) -> dict[str, int | None]:
    """Return which devices runs of this user hold now: label to the holder's process id, if it is known.

    Example:
        >>> find_leases(device_manager.devices())  # doctest: +SKIP
        {'cuda:3': 4711}
    """
    folder = lease_folder()
    if folder is None:
        return {}
    accelerators = [device for device in devices if device.type != "cpu"]
    places = {device.label: _place(folder, device) for device in accelerators}
    return {label: _holder(place) for label, place in places.items() if is_held(place)}


def _place(folder: Path, device: DeviceInfo) -> Path:
    return folder / re.sub(r"[^A-Za-z0-9.-]", "-", device.uuid or device.label)


def _holder(place: Path) -> int | None:
    try:
        return int((place / "pid").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


__all__ = ["LockedError", "find_leases", "lease_folder", "return_lease", "take_lease"]
