"""Devices: what there is, which one a run takes, and the library that works on it."""

from __future__ import annotations

from tipi_core.devices.backend import DeviceBackend
from tipi_core.devices.info import DeviceInfo
from tipi_core.devices.manager import device_manager

__all__ = ["DeviceBackend", "DeviceInfo", "device_manager"]
