"""Everything that a plugin may import; each name is loaded when it is first asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from msgspec import Meta

    from tipi_core.checkpoints import load_checkpoint, plain_state, read_checkpoint, save_checkpoint
    from tipi_core.components.naming import NameOf
    from tipi_core.components.permanence import Held, Permanence
    from tipi_core.components.process import BoundProcess, Outcome, PipelineProcess, pipeline_process
    from tipi_core.components.signature import fit_options
    from tipi_core.config.model import ComponentSpec
    from tipi_core.controller import PipelineController
    from tipi_core.devices import DeviceBackend, DeviceInfo, device_manager
    from tipi_core.errors import (
        ConfigError,
        GuardStop,
        MissingPackage,
        PluginError,
        StorageError,
        TipiError,
        did_you_mean,
    )
    from tipi_core.hookspecs import hookimpl
    from tipi_core.metrics import Tracker, logger
    from tipi_core.progress import BarState, ProgressRenderer, configure_display, progress_bar
    from tipi_core.registry import Registry
    from tipi_core.run import Run, current_run

_HOMES = {
    "BarState": "tipi_core.progress",
    "BoundProcess": "tipi_core.components.process",
    "ComponentSpec": "tipi_core.config.model",
    "ConfigError": "tipi_core.errors",
    "DeviceBackend": "tipi_core.devices",
    "DeviceInfo": "tipi_core.devices",
    "GuardStop": "tipi_core.errors",
    "Held": "tipi_core.components.permanence",
    "Meta": "msgspec",
    "MissingPackage": "tipi_core.errors",
    "NameOf": "tipi_core.components.naming",
    "Outcome": "tipi_core.components.process",
    "Permanence": "tipi_core.components.permanence",
    "PipelineController": "tipi_core.controller",
    "PipelineProcess": "tipi_core.components.process",
    "PluginError": "tipi_core.errors",
    "ProgressRenderer": "tipi_core.progress",
    "Registry": "tipi_core.registry",
    "Run": "tipi_core.run",
    "StorageError": "tipi_core.errors",
    "TipiError": "tipi_core.errors",
    "Tracker": "tipi_core.metrics",
    "configure_display": "tipi_core.progress",
    "current_run": "tipi_core.run",
    "device_manager": "tipi_core.devices",
    "did_you_mean": "tipi_core.errors",
    "fit_options": "tipi_core.components.signature",
    "hookimpl": "tipi_core.hookspecs",
    "load_checkpoint": "tipi_core.checkpoints",
    "logger": "tipi_core.metrics",
    "pipeline_process": "tipi_core.components.process",
    "plain_state": "tipi_core.checkpoints",
    "progress_bar": "tipi_core.progress",
    "read_checkpoint": "tipi_core.checkpoints",
    "save_checkpoint": "tipi_core.checkpoints",
}

__all__ = [
    "BarState",
    "BoundProcess",
    "ComponentSpec",
    "ConfigError",
    "DeviceBackend",
    "DeviceInfo",
    "GuardStop",
    "Held",
    "Meta",
    "MissingPackage",
    "NameOf",
    "Outcome",
    "Permanence",
    "PipelineController",
    "PipelineProcess",
    "PluginError",
    "ProgressRenderer",
    "Registry",
    "Run",
    "StorageError",
    "TipiError",
    "Tracker",
    "configure_display",
    "current_run",
    "device_manager",
    "did_you_mean",
    "fit_options",
    "hookimpl",
    "load_checkpoint",
    "logger",
    "pipeline_process",
    "plain_state",
    "progress_bar",
    "read_checkpoint",
    "save_checkpoint",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'tipi.plugin' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
