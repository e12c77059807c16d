"""The helpers that work everywhere, in scripts and in pipelines: bars, logging, devices."""

from __future__ import annotations

from tipi_core.devices import device_manager
from tipi_core.metrics import logger
from tipi_core.progress import progress_bar, trange

__all__ = ["device_manager", "logger", "progress_bar", "trange"]
