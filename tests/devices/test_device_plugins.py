"""What the device plugins find on machines of all kinds."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tipi_plugins.devices import cpu, cuda, mps

GB = 10**9


def labels(host):
    return [device.label for device in host.list_devices()]


def test_the_cpu_is_always_there_with_its_memory(host):
    (device,) = [device for device in host.list_devices() if device.type == "cpu"]
    assert device.usable
    assert 0 < device.free <= device.total


def test_memory_is_unknown_where_the_machine_does_not_tell(tmp_path):
    total, free = cpu.read_memory(tmp_path / "missing")
    assert free is None
    assert total is None or total > 0


def test_without_a_driver_there_is_no_gpu(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)  # as if it were not installed
    monkeypatch.setitem(sys.modules, "torch", None)
    assert cuda.tipi_list_devices() == []


def test_a_driver_that_does_not_work_is_a_record_that_says_so(gpus):
    nvml = gpus(80)

    def fail():
        raise nvml.NVMLError("Driver/library version mismatch")

    nvml.nvmlInit = fail
    (device,) = cuda.tipi_list_devices()
    assert device.note == "the NVIDIA driver does not work: Driver/library version mismatch; see nvidia-smi"


def test_a_cuda_build_without_a_driver_says_so_and_one_without_cuda_has_no_gpu(gpus, monkeypatch):
    import torch

    nvml = gpus(80)

    class NVMLError_LibraryNotFound(nvml.NVMLError):
        pass

    def fail():
        raise NVMLError_LibraryNotFound

    nvml.nvmlInit = fail
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    assert [device.note for device in cuda.tipi_list_devices()] == [
        "torch is built for CUDA 12.6; no NVIDIA driver is here"
    ]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert cuda.tipi_list_devices() == []
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    monkeypatch.setattr(torch.version, "cuda", None)
    assert cuda.tipi_list_devices() == []


@pytest.mark.parametrize("visible", ["8", "1,1", "GPU-nowhere", "all"])
def test_a_list_that_names_no_gpu_is_said(gpus, monkeypatch, visible):
    gpus(80, 80)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    (device,) = cuda.tipi_list_devices()
    assert device.note == f"CUDA_VISIBLE_DEVICES={visible!r} names none of the 2 GPUs"


def test_gpus_are_described_and_nvml_is_closed_again(gpus):
    nvml = gpus(80, 3)
    first, second = cuda.tipi_list_devices()
    assert (first.label, first.name, first.uuid, first.free, first.total) == (
        "cuda:0",
        "H100",
        "GPU-00",
        80 * GB,
        80 * GB,
    )
    assert (second.free, second.utilisation) == (3 * GB, 97)
    assert (second.temperature, second.processes) == (41, (7, 9))
    assert nvml.opened == 0


def test_a_lost_gpu_has_a_note_and_the_others_stay(gpus):
    gpus(80, 80).broken.add(0)
    first, second = cuda.tipi_list_devices()
    assert first.note == "its driver says: GPU is lost"
    assert second.usable


@pytest.mark.parametrize(
    ("visible", "uuids"),
    [
        ("2", ["GPU-22"]),
        ("3,1", ["GPU-33", "GPU-11"]),
        ("GPU-2,GPU-00", ["GPU-22", "GPU-00"]),
        ("1,9,0", ["GPU-11"]),
        ("-1", []),
        ("", []),
        ("NoDevFiles", []),
        ("MIG-abc", ["MIG-abc"]),
    ],
)
def test_the_order_is_that_of_cuda_visible_devices(gpus, monkeypatch, visible, uuids):
    gpus(80, 80, 80, 80)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    found = cuda.tipi_list_devices()
    assert [device.uuid for device in found] == uuids
    assert [device.index for device in found] == list(range(len(uuids)))


def test_where_nvml_is_missing_an_imported_torch_is_asked(monkeypatch):
    import torch

    monkeypatch.setitem(sys.modules, "pynvml", None)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert [device.label for device in cuda.tipi_list_devices()] == ["cuda:0", "cuda:1"]


@pytest.mark.parametrize(
    ("system", "machine", "count"), [("Darwin", "arm64", 1), ("Darwin", "x86_64", 0), ("Linux", "arm64", 0)]
)
def test_mps_is_listed_on_apples_own_processors(monkeypatch, system, machine, count):
    monkeypatch.setattr("platform.system", lambda: system)
    monkeypatch.setattr("platform.machine", lambda: machine)
    assert len(mps.tipi_list_devices()) == count


def test_each_kind_can_be_blocked_alone(gpus, monkeypatch):
    from tipi_core.plugins import PluginHost

    gpus(80)
    assert "cuda:0" not in labels(PluginHost.load(block=["cuda"]))
    assert "cpu" in labels(PluginHost.load(block=["cuda"]))


def test_listing_devices_imports_no_torch():
    code = (
        "import sys; from tipi_core.plugins import PluginHost;"
        "PluginHost.load(only=['cpu', 'cuda', 'mps']).list_devices(); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
