"""The helpers that work everywhere, in scripts and in pipelines: bars, logging, devices.

Each is imported when it is asked for, so that a bar does not pay for the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tipi_core.devices import device_manager
    from tipi_core.metrics import logger
    from tipi_core.progress import progress_bar, trange

_HOMES = {
    "device_manager": "tipi_core.devices",
    "logger": "tipi_core.metrics",
    "progress_bar": "tipi_core.progress",
    "trange": "tipi_core.progress",
}

__all__ = ["device_manager", "logger", "progress_bar", "trange"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'tipi.helpers' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
