"""A run with the device plugins, and an NVML that describes any machine."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import pytest

from tests.devices.machine import make_machine
from tipi_core.plugins import PluginHost
from tipi_core.run import Run, activate

GB = 10**9
GPU_UUID = "GPU-{0}{0}000000-0000-0000-0000-000000000000"


@pytest.fixture(autouse=True)
def _own_leases(monkeypatch, tmp_path_factory):
    """Leases lie in a temporary directory of the test's own."""
    folder = tmp_path_factory.mktemp("leases")
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))


@pytest.fixture
def host():
    return PluginHost.load(only=["cpu", "cuda", "mps", "xpu"])


@pytest.fixture
def run(host, tmp_path):
    with activate(Run("devices", root=tmp_path, host=host)) as run:
        yield run


class FakeNvml(ModuleType):
    """The part of pynvml that is used, for a machine with the given free gigabytes on each GPU of 80."""

    class NVMLError(Exception):
        pass

    def __init__(self, free):
        super().__init__("pynvml")
        self.free = free
        self.opened = 0
        self.broken = set()
        self.names = {}
        self.divided = set()

    def nvmlInit(self):
        self.opened += 1

    def nvmlShutdown(self):
        self.opened -= 1

    def nvmlDeviceGetCount(self):
        return len(self.free)

    def nvmlDeviceGetHandleByIndex(self, index):
        return index

    def nvmlDeviceGetHandleByUUID(self, uuid):
        if not uuid.startswith("MIG-") or uuid == "MIG-unknown":
            raise self.NVMLError("not found")
        return uuid

    def nvmlDeviceGetUUID(self, handle):
        return GPU_UUID.format(handle) if isinstance(handle, int) else handle

    def nvmlDeviceGetName(self, handle):
        return self.names.get(handle, "H100") if isinstance(handle, int) else "H100 MIG 1g.10gb"

    def nvmlDeviceGetMigMode(self, handle):
        if handle not in self.divided:
            raise self.NVMLError("not supported")
        return 1, 1

    def nvmlDeviceGetMemoryInfo(self, handle):
        if handle in self.broken:
            raise self.NVMLError("GPU is lost")
        if isinstance(handle, int):
            return SimpleNamespace(total=80 * GB, free=self.free[handle] * GB)
        return SimpleNamespace(total=10 * GB, free=9 * GB)

    def nvmlDeviceGetUtilizationRates(self, handle):
        if not isinstance(handle, int):
            raise self.NVMLError("not supported")
        return SimpleNamespace(gpu=100 - self.free[handle])

    def nvmlDeviceGetTemperature(self, handle, sensor):
        return 40 + handle if isinstance(handle, int) else 40

    def nvmlDeviceGetComputeRunningProcesses(self, handle):
        return [SimpleNamespace(pid=9), SimpleNamespace(pid=7)]


@pytest.fixture
def fake_machine(monkeypatch, tmp_path):
    """Return the environment of a machine with GPUs of 80 GB and the given gigabytes free on each."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return lambda *free: make_machine(tmp_path / "machine", *free)


@pytest.fixture
def gpus(monkeypatch):
    """Put a fake NVML in place; torch is made to look as if it were built with CUDA."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    def install(*free):
        import torch

        nvml = FakeNvml(free)
        monkeypatch.setitem(sys.modules, "pynvml", nvml)
        monkeypatch.setattr(torch.version, "cuda", "12.6")
        return nvml

    return install
