"""The CPU as a device: always there, with the memory that the machine has free."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING

from tipi.plugin import DeviceInfo, hookimpl

if TYPE_CHECKING:
    from tipi.plugin import DeviceBackend

REQUIRES = {"torch": "pip install 'torch-tipi[torch]'"}


@hookimpl
def tipi_list_devices() -> list[DeviceInfo]:
    """Return the CPU."""
    total, free = read_memory()
    return [DeviceInfo("cpu", name=f"{platform.machine()}, {os.cpu_count()} cores", total=total, free=free)]


@hookimpl
def tipi_create_device_backend() -> DeviceBackend | None:
    """Return the torch backend, or None where torch is not installed."""
    from tipi_plugins.devices.loading import create_backend

    return create_backend()


def read_memory(meminfo: Path = Path("/proc/meminfo")) -> tuple[int | None, int | None]:
    """Return the machine's memory in bytes, total and available, as far as it tells.

    Example:
        >>> total, free = read_memory()
    """
    try:
        lines = (line.split() for line in meminfo.read_text().splitlines())
        sizes = {words[0].rstrip(":"): int(words[1]) * 1024 for words in lines if len(words) == 3}
        return sizes["MemTotal"], sizes["MemAvailable"]
    except (OSError, ValueError, KeyError):
        return _total_memory(), None


def _total_memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # not on every system
        return None
