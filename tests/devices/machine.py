"""A folder for PYTHONPATH with a ``pynvml`` for a made-up machine, and torch made to look as if built with CUDA."""

from __future__ import annotations

SOURCE = """
import json, os, sys
from types import SimpleNamespace

GB = 10**9
FREE = json.loads(os.environ["FAKE_FREE"])


class NVMLError(Exception):
    pass


def nvmlInit():
    if "torch" in sys.modules:
        sys.modules["torch"].version.cuda = "12.6"


def nvmlShutdown():
    pass


def nvmlDeviceGetCount():
    return len(FREE)


def nvmlDeviceGetHandleByIndex(index):
    return index


def nvmlDeviceGetUUID(handle):
    return f"GPU-{handle}"


def nvmlDeviceGetName(handle):
    return "NVIDIA H100"


def nvmlDeviceGetMemoryInfo(handle):
    return SimpleNamespace(total=80 * GB, free=FREE[handle] * GB)


def nvmlDeviceGetUtilizationRates(handle):
    return SimpleNamespace(gpu=100 if FREE[handle] < 40 else 0)


def nvmlDeviceGetTemperature(handle, sensor):
    return 50


def nvmlDeviceGetComputeRunningProcesses(handle):
    return [SimpleNamespace(pid=4242)] if FREE[handle] < 40 else []
"""


def make_machine(folder, *free):
    """Return the environment of a machine with GPUs of 80 GB and the given gigabytes free on each."""
    folder.mkdir(exist_ok=True)
    (folder / "pynvml.py").write_text(SOURCE)
    return {"PYTHONPATH": str(folder), "FAKE_FREE": str(list(free))}
