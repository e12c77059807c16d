"""Intel's GPUs as devices, as torch counts them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tipi.plugin import DeviceInfo, hookimpl

if TYPE_CHECKING:
    from tipi.plugin import DeviceBackend

REQUIRES = {"torch": "pip install 'torch-tipi[torch]'"}


@hookimpl
def tipi_list_devices() -> list[DeviceInfo]:
    """Return the GPUs that torch counts, if it is imported already; counting starts nothing on them."""
    xpu = getattr(sys.modules.get("torch"), "xpu", None)
    count = 0 if xpu is None else xpu.device_count()
    return [DeviceInfo("xpu", index, "Intel GPU") for index in range(count)]


@hookimpl
def tipi_create_device_backend() -> DeviceBackend | None:
    """Return the torch backend, or None where torch is not installed."""
    from tipi_plugins.devices.loading import create_backend

    return create_backend()
