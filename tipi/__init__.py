"""The public face of tipi: everything here is re-exported lazily, so that ``import tipi`` costs a millisecond."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tipi_core.components.permanence import Permanence
    from tipi_core.components.process import PipelineProcess, pipeline_process
    from tipi_core.controller import PipelineController
    from tipi_core.devices import device_manager
    from tipi_core.metrics import logger
    from tipi_core.progress import progress_bar, trange
    from tipi_core.runner import PipelineRunner, RunResult

_HOMES = {
    "Permanence": "tipi_core.components.permanence",
    "PipelineController": "tipi_core.controller",
    "PipelineProcess": "tipi_core.components.process",
    "PipelineRunner": "tipi_core.runner",
    "RunResult": "tipi_core.runner",
    "device_manager": "tipi_core.devices",
    "logger": "tipi_core.metrics",
    "pipeline_process": "tipi_core.components.process",
    "progress_bar": "tipi_core.progress",
    "trange": "tipi_core.progress",
}

__all__ = [
    "Permanence",
    "PipelineController",
    "PipelineProcess",
    "PipelineRunner",
    "RunResult",
    "device_manager",
    "logger",
    "pipeline_process",
    "progress_bar",
    "trange",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("torch-tipi")
    if name not in _HOMES:
        raise AttributeError(f"module 'tipi' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
