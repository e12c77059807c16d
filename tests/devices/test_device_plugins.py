"""What the device plugins find on machines of all kinds."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tipi_plugins.devices import cpu, cuda, driver, mps, xpu

GB = 10**9


def gpu(index):
    """Return the UUID of a GPU of the fake NVML."""
    return f"GPU-{index}{index}000000-0000-0000-0000-000000000000"


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


def test_a_part_of_a_gpu_that_is_not_there_is_said(gpus, monkeypatch):
    gpus(80, 80)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "MIG-unknown")
    (device,) = cuda.tipi_list_devices()
    assert device.note == "CUDA_VISIBLE_DEVICES='MIG-unknown' names none of the 2 GPUs"


@pytest.mark.parametrize(
    ("driver", "note"),
    [(11040, "the NVIDIA driver knows CUDA 11.4, torch is built for 12.6: update one"), (12020, None), (13000, None)],
)
def test_a_driver_too_old_for_torch_is_said(gpus, driver, note):
    gpus(80).nvmlSystemGetCudaDriverVersion_v2 = lambda: driver
    assert [device.note for device in cuda.tipi_list_devices()] == [note]


def test_gpus_are_described_and_nvml_is_closed_again(gpus):
    nvml = gpus(80, 3)
    first, second = cuda.tipi_list_devices()
    assert (first.label, first.name, first.uuid, first.free, first.total) == (
        "cuda:0",
        "H100",
        gpu(0),
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
        ("2", [2]),
        ("3,1", [3, 1]),
        ("GPU-2,GPU-00", [2, 0]),
        ("1,9,0", [1]),
        ("-1", []),
        ("", []),
        ("NoDevFiles", []),
        ("MIG-abc", ["MIG-abc"]),
        ("1,MIG-unknown,0", [1]),
    ],
)
def test_the_order_is_that_of_cuda_visible_devices(gpus, monkeypatch, visible, uuids):
    gpus(80, 80, 80, 80)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    found = cuda.tipi_list_devices()
    assert [device.uuid for device in found] == [gpu(one) if isinstance(one, int) else one for one in uuids]
    assert [device.index for device in found] == list(range(len(uuids)))


@pytest.fixture
def cuda_order(monkeypatch):
    """Make CUDA's driver name these GPUs, in this order; None makes it silent. How often it was asked is counted."""
    asked = []

    def install(*uuids):
        answer = None if uuids == (None,) else [uuid.replace("GPU-", "MIG-") for uuid in uuids]
        monkeypatch.setattr(driver, "list_uuids", lambda: asked.append(1) or answer)
        return asked

    return install


def test_on_a_mixed_machine_the_order_is_cudas_fastest_first(gpus, cuda_order):
    gpus(10, 70, 30).names.update({0: "T4", 1: "H100", 2: "A100"})
    cuda_order(gpu(1), gpu(2), gpu(0))
    found = cuda.tipi_list_devices()
    assert [(device.label, device.name, device.free) for device in found] == [
        ("cuda:0", "H100", 70 * GB),
        ("cuda:1", "A100", 30 * GB),
        ("cuda:2", "T4", 10 * GB),
    ]


@pytest.mark.parametrize(
    ("environment", "names", "count"),
    [
        ({}, {}, 0),  # all alike
        ({}, {0: "T4"}, 1),
        ({"CUDA_DEVICE_ORDER": "FASTEST_FIRST"}, {0: "T4"}, 1),
        ({"CUDA_DEVICE_ORDER": "PCI_BUS_ID"}, {0: "T4"}, 0),
        ({"CUDA_VISIBLE_DEVICES": "1,0"}, {0: "T4"}, 1),  # these numbers are in CUDA's order too
        ({"CUDA_VISIBLE_DEVICES": "GPU-11,GPU-00"}, {0: "T4"}, 0),
        ({"CUDA_VISIBLE_DEVICES": "-1"}, {0: "T4"}, 0),
    ],
)
def test_the_driver_is_asked_only_where_its_order_can_be_another(
    gpus, cuda_order, monkeypatch, environment, names, count
):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    gpus(80, 80).names.update(names)
    asked = cuda_order(gpu(0), gpu(1))
    cuda.tipi_list_devices()
    assert len(asked) == count


def test_of_a_divided_gpu_the_part_that_cuda_sees_is_listed(gpus, cuda_order):
    gpus(80, 80).divided.add(0)
    part = "MIG-12345678-0000-0000-0000-000000000000"
    cuda_order(part)
    (device,) = cuda.tipi_list_devices()
    assert (device.label, device.uuid, device.name, device.free) == ("cuda:0", part, "H100 MIG 1g.10gb", 9 * GB)


def test_where_the_driver_is_silent_nvmls_order_stays(gpus, cuda_order):
    gpus(10, 70).names[0] = "T4"
    cuda_order(None)
    assert [device.name for device in cuda.tipi_list_devices()] == ["T4", "H100"]


def test_where_the_driver_sees_no_gpu_it_is_said(gpus, cuda_order):
    gpus(10, 70).names[0] = "T4"
    cuda_order()
    assert [device.note for device in cuda.tipi_list_devices()] == ["CUDA's driver names none of the 2 GPUs"]


def test_a_library_that_is_no_driver_gives_no_answer():
    assert driver.list_uuids("there-is-no-such-library.so") is None


def test_the_question_to_the_driver(monkeypatch, capsys):
    class Library:
        cuInit = staticmethod(lambda flags: 0)
        cuDeviceGetUuid = None

        def cuDeviceGetCount(self, count):
            count._obj.value = 2
            return 0

        def cuDeviceGet(self, device, index):
            device._obj.value = index
            return 0

        def cuDeviceGetUuid_v2(self, uuid, device):
            uuid[:] = bytes([0x11 * (device.value + 1)]) * 16
            return 0

    monkeypatch.setattr("ctypes.CDLL", lambda name: Library())
    monkeypatch.setattr(sys, "argv", ["-c", driver.LIBRARY])
    exec(driver.QUESTION, {})
    assert capsys.readouterr().out.split() == [
        "MIG-11111111-1111-1111-1111-111111111111",
        "MIG-22222222-2222-2222-2222-222222222222",
    ]


def test_intels_gpus_are_those_that_torch_counts(monkeypatch):
    import torch

    assert xpu.tipi_list_devices() == []
    monkeypatch.setattr(torch.xpu, "device_count", lambda: 2)
    assert [device.label for device in xpu.tipi_list_devices()] == ["xpu:0", "xpu:1"]
    monkeypatch.delitem(sys.modules, "torch")
    assert xpu.tipi_list_devices() == []


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


@pytest.mark.parametrize("blocked", ["cpu", "cuda", "mps", "xpu"])
def test_each_kind_can_be_blocked_alone(gpus, monkeypatch, blocked):
    import torch

    from tipi_core.plugins import PluginHost

    gpus(80)
    monkeypatch.setattr(torch.xpu, "device_count", lambda: 1)
    monkeypatch.setattr("platform.system", lambda: "Darwin")
    monkeypatch.setattr("platform.machine", lambda: "arm64")
    kinds = [label.partition(":")[0] for label in labels(PluginHost.load(block=[blocked]))]
    assert sorted(kinds) == sorted({"cpu", "cuda", "mps", "xpu"} - {blocked})


def test_listing_devices_imports_no_torch():
    code = (
        "import sys; from tipi_core.plugins import PluginHost;"
        "PluginHost.load(only=['cpu', 'cuda', 'mps', 'xpu']).list_devices(); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
