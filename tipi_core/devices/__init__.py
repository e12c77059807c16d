"""Devices: what there is, which one a run takes, and the library that works on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tipi_core.devices.manager import device_manager

if TYPE_CHECKING:
    from tipi_core.devices.backend import DeviceBackend
    from tipi_core.devices.info import DeviceInfo

__all__ = ["DeviceBackend", "DeviceInfo", "device_manager"]

_HOMES = {"DeviceBackend": "tipi_core.devices.backend", "DeviceInfo": "tipi_core.devices.info"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
