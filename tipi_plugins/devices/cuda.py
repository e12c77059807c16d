"""NVIDIA's GPUs as devices, as the driver's own library (NVML) describes them.

NVML sees the memory that all processes have taken and needs no context on any GPU. Its order is not torch's: the
records are in the order in which this process sees the GPUs, as CUDA_VISIBLE_DEVICES says.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, TypeVar

from tipi.plugin import DeviceInfo, hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

    from tipi.plugin import DeviceBackend

T = TypeVar("T")

REQUIRES = {"torch": "pip install 'torch-tipi[torch]'", "pynvml": "pip install nvidia-ml-py"}
HIDDEN = ("", "-1", "NoDevFiles")  # what people and schedulers write to hide every GPU
CELSIUS = 0  # NVML's number for the sensor on the chip


@hookimpl
def tipi_list_devices() -> list[DeviceInfo]:
    """Return the GPUs that this process may use; where something is wrong with all of them, a record that says what."""
    try:
        import pynvml
    except ImportError:
        return list_by_torch()
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        if type(error).__name__ == "NVMLError_LibraryNotFound":  # no driver: an AMD GPU, or none
            return list_by_torch()
        return [DeviceInfo("cuda", note=f"the NVIDIA driver does not work: {error}; see nvidia-smi")]
    try:
        return list_by_nvml(pynvml, os.environ.get("CUDA_VISIBLE_DEVICES"))
    finally:
        pynvml.nvmlShutdown()


@hookimpl
def tipi_create_device_backend() -> DeviceBackend | None:
    """Return the torch backend, or None where torch is not installed."""
    from tipi_plugins.devices.loading import create_backend

    return create_backend()


def list_by_nvml(nvml: ModuleType, visible: str | None) -> list[DeviceInfo]:
    """Return the visible GPUs in the order of this process; one that does not answer has a note.

    Args:
        nvml: The module ``pynvml``, initialised.
        visible: The value of CUDA_VISIBLE_DEVICES, or None where it is not set.
    """
    try:
        handles = [nvml.nvmlDeviceGetHandleByIndex(index) for index in range(nvml.nvmlDeviceGetCount())]
    except nvml.NVMLError as error:
        return [DeviceInfo("cuda", note=f"a GPU does not answer: {error}; see nvidia-smi")]
    if visible is not None:
        uuids = [_text(nvml.nvmlDeviceGetUUID(handle)) for handle in handles]
        chosen = select_visible(visible, uuids)
        if not chosen and uuids and visible.strip() not in HIDDEN:
            note = f"CUDA_VISIBLE_DEVICES={visible!r} names none of the {len(uuids)} GPUs"
            return [DeviceInfo("cuda", note=note)]
        handles = [_handle(nvml, handles, word) for word in chosen]
    return [_describe(nvml, handle, index) for index, handle in enumerate(handles)]


def select_visible(visible: str, uuids: Sequence[str]) -> list[int | str]:
    """Return what CUDA_VISIBLE_DEVICES makes visible: positions in ``uuids``, or the UUID of a part of a GPU (MIG).

    As in CUDA, the list ends at its first invalid entry, and an entry that comes twice makes nothing visible.

    Example:
        >>> select_visible("1,0", ["GPU-a", "GPU-b"])
        [1, 0]
        >>> select_visible("GPU-b,-1,0", ["GPU-a", "GPU-b"])
        [1]
    """
    chosen: list[int | str] = []
    for word in visible.split(","):
        entry = _entry(word.strip(), uuids)
        if entry is None:
            break
        chosen.append(entry)
    return chosen if len(set(chosen)) == len(chosen) else []


def list_by_torch() -> list[DeviceInfo]:
    """Return the GPUs that torch counts, if it is imported already: for other drivers and where NVML is missing."""
    torch = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "cuda"):
        return []
    found = [DeviceInfo("cuda", index, "GPU") for index in range(torch.cuda.device_count())]
    if not found and torch.version.cuda is not None and os.environ.get("CUDA_VISIBLE_DEVICES") not in HIDDEN:
        return [DeviceInfo("cuda", note=f"torch is built for CUDA {torch.version.cuda}; no NVIDIA driver is here")]
    return found


def _entry(word: str, uuids: Sequence[str]) -> int | str | None:
    if word.startswith("MIG-"):
        return word
    if word.startswith("GPU-"):
        hits = [index for index, uuid in enumerate(uuids) if uuid.startswith(word)]
        return hits[0] if len(hits) == 1 else None
    return int(word) if word.isdecimal() and int(word) < len(uuids) else None


def _handle(nvml: ModuleType, handles: Sequence[Any], entry: int | str) -> Any:
    return handles[entry] if isinstance(entry, int) else nvml.nvmlDeviceGetHandleByUUID(entry)


def _describe(nvml: ModuleType, handle: Any, index: int) -> DeviceInfo:
    try:
        memory = nvml.nvmlDeviceGetMemoryInfo(handle)
        name, uuid = _text(nvml.nvmlDeviceGetName(handle)), _text(nvml.nvmlDeviceGetUUID(handle))
    except nvml.NVMLError as error:
        return DeviceInfo("cuda", index, note=f"its driver says: {error}")
    return DeviceInfo(
        "cuda",
        index,
        name,
        uuid,
        int(memory.total),
        int(memory.free),
        _ask(nvml, lambda: int(nvml.nvmlDeviceGetUtilizationRates(handle).gpu)),
        temperature=_ask(nvml, lambda: int(nvml.nvmlDeviceGetTemperature(handle, CELSIUS))),
        processes=_ask(nvml, lambda: _processes(nvml, handle)),
    )


def _ask(nvml: ModuleType, question: Callable[[], T]) -> T | None:
    """Return the answer, or None: parts of a GPU, old drivers and containers do not know everything."""
    try:
        return question()
    except (nvml.NVMLError, AttributeError):
        return None


def _processes(nvml: ModuleType, handle: Any) -> tuple[int, ...]:
    return tuple(sorted(int(process.pid) for process in nvml.nvmlDeviceGetComputeRunningProcesses(handle)))


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
