"""The hooks through which plugins reach a run: names, arguments, results.

``docs/hooks.md`` says for each when it is called and who implements it; a test holds that page and this module
together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from tipi_core.components.permanence import Held
    from tipi_core.components.process import BoundProcess, Outcome
    from tipi_core.config.model import ComponentSpec
    from tipi_core.controller import PipelineController
    from tipi_core.devices.backend import DeviceBackend
    from tipi_core.devices.info import DeviceInfo
    from tipi_core.metrics.tracker import Tracker
    from tipi_core.progress.renderer import ProgressRenderer
    from tipi_core.registry import Registry
    from tipi_core.run import Run

hookspec = pluggy.HookspecMarker("tipi")
hookimpl = pluggy.HookimplMarker("tipi")


@hookspec
def tipi_register(registry: Registry) -> None:
    """Name the types and resources that the plugin brings, each as a ``"module:attr"`` string."""


@hookspec
def tipi_run_started(run: Run) -> None:
    """The run is open and nothing is built yet; clean-up goes through ``run.defer(callback)``."""


@hookspec(firstresult=True)
def tipi_create_permanence(controller: PipelineController, spec: ComponentSpec) -> Held | None:
    """Build one permanence and return it as ``Held(value, close)``; None leaves it to the next plugin."""


@hookspec(firstresult=True)
def tipi_execute_process(controller: PipelineController, process: BoundProcess) -> Outcome | None:
    """Execute one process and return its ``Outcome``; wrappers may time, retry or cache it."""


@hookspec
def tipi_start_tracker(run: Run, settings: Mapping[str, Any]) -> Tracker | None:
    """Start following the run's record; None when the plugin has nothing to say about these settings."""


@hookspec
def tipi_log(run: Run, records: Sequence[Mapping[str, Any]]) -> None:
    """Observe a batch of metric records on the run's writer thread."""


@hookspec(firstresult=True)
def tipi_create_progress(run: Run) -> ProgressRenderer | None:
    """Return what gives the bars of a run their look; called when its first bar draws."""


@hookspec
def tipi_list_devices() -> Sequence[DeviceInfo] | None:
    """Return the devices of one kind, without importing torch where the driver can answer."""


@hookspec(firstresult=True)
def tipi_create_device_backend(run: Run) -> DeviceBackend | None:
    """Return the library that moves, saves and seeds tensors for this run; called at first use."""
