"""NVIDIA's GPUs as devices, as the driver's own library (NVML) describes them.

NVML sees the memory that all processes have taken and needs no context on any GPU. Its order is not torch's: the
records are in the order in which this process sees the GPUs, as CUDA_VISIBLE_DEVICES and CUDA_DEVICE_ORDER say.
"""

from __future__ import annotations

import os
import sys
from itertools import takewhile
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
    if visible is not None and visible.strip() in HIDDEN:
        return []
    note = _too_old(nvml) if handles else None
    if note is not None:
        return [DeviceInfo("cuda", note=note)]
    seen = _visible(nvml, handles, visible)
    if handles and not seen:
        who = "CUDA's driver" if visible is None else f"CUDA_VISIBLE_DEVICES={visible!r}"
        return [DeviceInfo("cuda", note=f"{who} names none of the {len(handles)} GPUs")]
    return [_describe(nvml, handle, index) for index, handle in enumerate(seen)]


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


def _too_old(nvml: ModuleType) -> str | None:
    """Return what is wrong where torch, if it is imported already, is built for a later CUDA than the driver knows."""
    built = getattr(getattr(sys.modules.get("torch"), "version", None), "cuda", None)
    known = _ask(nvml, lambda: int(nvml.nvmlSystemGetCudaDriverVersion_v2()))
    if built is None or known is None or int(built.partition(".")[0]) <= known // 1000:
        return None
    return f"the NVIDIA driver knows CUDA {known // 1000}.{known % 1000 // 10}, torch is built for {built}: update one"


def _visible(nvml: ModuleType, handles: list[Any], visible: str | None) -> list[Any]:
    """Return the GPUs that this process sees, in torch's order."""
    uuids = [_text(_ask(nvml, nvml.nvmlDeviceGetUUID, handle) or "") for handle in handles]
    ordered = _ask_driver() if _needs_driver(nvml, handles, visible) else None
    if ordered is not None:
        whole = {_digits(uuid): handle for uuid, handle in zip(uuids, handles, strict=True)}
        return [whole[_digits(uuid)] if _digits(uuid) in whole else _part(nvml, uuid) for uuid in ordered]
    if visible is None:
        return handles
    chosen = select_visible(visible, uuids)
    seen = [handles[entry] if isinstance(entry, int) else _part(nvml, entry) for entry in chosen]
    return list(takewhile(lambda handle: handle is not None, seen))


def _ask_driver() -> list[str] | None:
    from tipi_plugins.devices.driver import list_uuids

    return list_uuids()


def _needs_driver(nvml: ModuleType, handles: Sequence[Any], visible: str | None) -> bool:
    """Return whether torch's order may be another than NVML's, or a GPU is divided and only parts of it are seen."""
    if any(_ask(nvml, _is_divided, nvml, handle) for handle in handles):
        return True
    if os.environ.get("CUDA_DEVICE_ORDER") == "PCI_BUS_ID" or (visible or "").startswith("GPU-"):
        return False
    return len({_ask(nvml, nvml.nvmlDeviceGetName, handle) for handle in handles}) > 1


def _is_divided(nvml: ModuleType, handle: Any) -> bool:
    return bool(nvml.nvmlDeviceGetMigMode(handle)[0])


def _part(nvml: ModuleType, name: str) -> Any:
    """Return the handle of a part of a GPU, or None where NVML does not know it."""
    return _ask(nvml, lambda: nvml.nvmlDeviceGetHandleByUUID(name))


def _digits(text: str) -> str:
    return text.partition("-")[2].replace("-", "").lower()


def _entry(word: str, uuids: Sequence[str]) -> int | str | None:
    if word.startswith("MIG-"):
        return word
    if word.startswith("GPU-"):
        hits = [index for index, uuid in enumerate(uuids) if uuid.startswith(word)]
        return hits[0] if len(hits) == 1 else None
    return int(word) if word.isdecimal() and int(word) < len(uuids) else None


def _describe(nvml: ModuleType, handle: Any, index: int) -> DeviceInfo:
    if handle is None:
        return DeviceInfo("cuda", index, "GPU")
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
        processes=_ask(nvml, _processes, nvml, handle),
    )


def _ask(nvml: ModuleType, question: Callable[..., T], *arguments: Any) -> T | None:
    """Return the answer, or None: parts of a GPU, old drivers and containers do not know everything."""
    try:
        return question(*arguments)
    except (nvml.NVMLError, AttributeError):
        return None


def _processes(nvml: ModuleType, handle: Any) -> tuple[int, ...]:
    return tuple(sorted(int(process.pid) for process in nvml.nvmlDeviceGetComputeRunningProcesses(handle)))


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
