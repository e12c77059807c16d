"""Apple's GPU as a device; its memory is the machine's own."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

from tipi.plugin import DeviceInfo, hookimpl

if TYPE_CHECKING:
    from tipi.plugin import DeviceBackend

REQUIRES = {"torch": "pip install 'torch-tipi[torch]'"}


@hookimpl
def tipi_list_devices() -> list[DeviceInfo]:
    """Return the GPU of an Apple machine with its own processor; whether torch can use it, the backend knows."""
    apple = (platform.system(), platform.machine()) == ("Darwin", "arm64")
    return [DeviceInfo("mps", name="Apple GPU")] if apple else []


@hookimpl
def tipi_create_device_backend() -> DeviceBackend | None:
    """Return the torch backend, or None where torch is not installed."""
    from tipi_plugins.devices.loading import create_backend

    return create_backend()
