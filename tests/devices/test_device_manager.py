"""What ``device_manager`` gives a script or a pipeline."""

from __future__ import annotations

import random
import subprocess
import sys
from copy import copy

import numpy
import pytest
import torch
from torch.utils.data import DataLoader

from tipi.errors import MissingPackage, UsageError
from tipi.plugin import device_manager
from tipi_core.plugins import PluginHost
from tipi_core.run import Run, activate


def test_a_real_torch_device_comes_back(run):
    assert device_manager.get_device() == torch.device("cpu")
    assert torch.zeros(2).to(device_manager.get_device()).device.type == "cpu"


def test_the_gpu_with_the_most_memory_free_is_taken_and_no_context_is_made(run, gpus):
    gpus(1, 2, 70, 3, 79, 2, 1, 60)
    assert device_manager.get_device() == torch.device("cuda", 4)
    assert "most memory free of 8" in device_manager.describe()
    assert not torch.cuda.is_initialized()


def test_inside_a_run_it_stays_the_same_when_the_memory_changes(run, gpus):
    nvml = gpus(1, 70)
    first = device_manager.get_device()
    nvml.free = (80, 2)
    assert device_manager.get_device() == first == torch.device("cuda", 1)


def test_a_later_wish_is_heard_and_does_not_move_the_run(run, gpus):
    gpus(1, 70)
    assert device_manager.get_device() == torch.device("cuda", 1)
    assert device_manager.get_device(prefer="cpu") == torch.device("cpu")
    assert device_manager.get_device(prefer=torch.device("cuda", 0)) == torch.device("cuda", 0)
    assert device_manager.get_device() == torch.device("cuda", 1)


def test_a_run_inside_a_run_works_on_the_same_device(run, gpus, host):
    nvml = gpus(1, 70)
    outer = device_manager.get_device()
    nvml.free = (80, 2)
    with activate(Run("inner", host=host, parent=run)):
        assert device_manager.get_device() == outer


def test_the_environment_variable_wins(run, gpus, monkeypatch):
    gpus(1, 70)
    monkeypatch.setenv("TIPI_DEVICE", "cuda:0")
    assert device_manager.get_device(prefer="cpu") == torch.device("cuda", 0)
    assert "TIPI_DEVICE=cuda:0" in device_manager.describe()


def test_an_environment_variable_for_what_is_not_here_is_an_error(run, monkeypatch):
    monkeypatch.setenv("TIPI_DEVICE", "cuda:3")
    with pytest.raises(UsageError, match="TIPI_DEVICE asks for 'cuda:3', which is not here"):
        device_manager.get_device()


def test_under_torchrun_it_is_the_local_ranks(run, gpus, monkeypatch):
    gpus(70, 1)
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert device_manager.get_device() == torch.device("cuda", 1)


def test_a_torch_without_cuda_falls_back_to_the_cpu_and_says_why(run, gpus, monkeypatch):
    gpus(70)
    monkeypatch.setattr(torch.version, "cuda", None)
    assert device_manager.get_device() == torch.device("cpu")
    assert "is built without CUDA" in device_manager.describe()


def test_a_busy_machine_is_said_on_stderr(run, gpus, capsys):
    gpus(1, 2)
    assert device_manager.get_device() == torch.device("cuda", 1)
    assert "tipi: every device is busy: cuda:0 (H100, 1.0 GB of 80.0 GB free)" in capsys.readouterr().err


def test_memory_that_must_be_free(run, gpus):
    gpus(1, 20)
    assert device_manager.get_device(min_free="10 GB") == torch.device("cuda", 1)
    with pytest.raises(UsageError, match=r"no device has 50\.0 GB free"):
        device_manager.get_device(min_free="50 GB")
    with pytest.raises(UsageError, match="min_free: 'plenty' is no amount of memory"):
        device_manager.get_device(min_free="plenty")


@pytest.fixture
def torch_counts(monkeypatch):
    """A machine without NVML whose GPUs torch counts; asking one for its memory is noted."""
    asked = []
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    def install(*free):
        def mem_get_info(device):
            asked.append(device.index)
            return free[device.index] * 10**9, 80 * 10**9

        monkeypatch.setitem(sys.modules, "pynvml", None)
        monkeypatch.setattr(torch.version, "cuda", "12.6")
        monkeypatch.setattr(torch.cuda, "device_count", lambda: len(free))
        monkeypatch.setattr(torch.cuda, "mem_get_info", mem_get_info)
        return asked

    return install


def test_without_nvml_only_the_candidate_is_asked_for_its_memory(run, torch_counts):
    asked = torch_counts(70, 75, 80)
    assert device_manager.get_device() == torch.device("cuda", 0)
    assert asked == []
    assert device_manager.get_device(min_free="60 GB") == torch.device("cuda", 0)
    assert asked == [0]


def test_without_nvml_the_next_candidate_is_asked_where_the_first_is_full(run, torch_counts):
    asked = torch_counts(1, 60, 80)
    assert device_manager.get_device(min_free="50 GB") == torch.device("cuda", 1)
    assert asked == [0, 1]
    with pytest.raises(UsageError, match=r"no device has 90\.0 GB free, cuda:0 \(GPU, 1\.0 GB of 80\.0 GB free\)"):
        device_manager.get_device(min_free="90 GB")


@pytest.mark.parametrize("visible", ["7", "all", "0,0"])
def test_a_wrong_list_of_visible_gpus_is_one_line_before_the_cpu_is_taken(run, gpus, capsys, monkeypatch, visible):
    gpus(80, 70)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert device_manager.get_device() == torch.device("cpu")
    (line,) = capsys.readouterr().err.splitlines()
    assert f"CUDA_VISIBLE_DEVICES='{visible}' names none of the 2 GPUs); taking cpu" in line


def test_a_cuda_build_without_a_driver_is_one_line_before_the_cpu_is_taken(run, torch_counts, capsys):
    torch_counts()
    assert device_manager.get_device() == torch.device("cpu")
    (line,) = capsys.readouterr().err.splitlines()
    assert "torch is built for CUDA 12.6; no NVIDIA driver is here); taking cpu" in line


def test_asking_again_gives_the_same_device_although_the_run_has_filled_it(run, gpus):
    nvml = gpus(1, 20)
    first = device_manager.get_device(min_free="10 GB")
    nvml.free = (15, 2)
    assert device_manager.get_device(min_free="10 GB") == first


def test_a_wish_that_cannot_be_met_is_said_once(run, capsys):
    for _ in range(3):
        assert device_manager.get_device(prefer="cuda") == torch.device("cpu")
    assert capsys.readouterr().err == "tipi: there is no device 'cuda' here; taking cpu\n"


def test_without_torch_one_sentence_says_what_to_install(tmp_path):
    with (
        activate(Run("bare", root=tmp_path, host=PluginHost.load(only=[]))),
        pytest.raises(MissingPackage, match="torch, which is not installed here, pip install"),
    ):
        device_manager.get_device()


def test_several_devices(run, gpus):
    gpus(1, 70, 79, 60)
    assert device_manager.get_device(count=2) == torch.device("cuda", 2)
    assert device_manager.get_devices(2) == [torch.device("cuda", 2), torch.device("cuda", 1)]
    assert device_manager.get_devices() == [torch.device("cuda", 2)]
    with pytest.raises(UsageError, match="not 9 devices"):
        device_manager.get_devices(9)
    with pytest.raises(UsageError, match="count is 0"):
        device_manager.get_device(count=0)


def test_a_broken_driver_is_one_line_before_the_cpu_is_taken(run, gpus, capsys):
    nvml = gpus(80)

    def fail():
        raise nvml.NVMLError("Driver Not Loaded")

    nvml.nvmlInit = fail
    assert device_manager.get_device() == torch.device("cpu")
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "the NVIDIA driver does not work: Driver Not Loaded; see nvidia-smi); taking cpu" in err


def test_a_seed_gives_the_same_numbers(run):
    def draw():
        return random.random(), torch.rand(2).tolist()

    assert device_manager.seed_everything(7) == 7
    first = draw()
    device_manager.seed_everything(7)
    assert draw() == first


LATE = """
import random, sys
from tipi.helpers import device_manager

device_manager.seed_everything(3)
assert not {"torch", "numpy"} & set(sys.modules)
import numpy
late = [random.random(), numpy.random.rand()]
import torch
late += [torch.rand(1).item(), numpy.random.rand()]
device_manager.seed_everything(3)
assert late == [random.random(), numpy.random.rand(), torch.rand(1).item(), numpy.random.rand()], late
"""


TWO = """
import sys
from tipi_core.devices.arrivals import Arrivals

told = []
watches = [Arrivals({"colorsys": lambda name=name: told.append((name, "colorsys" in sys.modules))}) for name in "abc"]
for watch in watches:
    watch.watch()
watches[1].leave()
import colorsys
assert sorted(told) == [("a", True), ("c", True)], told
assert colorsys.rgb_to_hsv(0, 0, 0) == (0, 0, 0)
assert "exec_module" not in vars(colorsys.__spec__.loader)
"""


def test_two_runs_may_wait_for_the_same_import(python):
    done = python("-c", TWO)
    assert done.code == 0, done.err


def test_what_is_imported_late_has_the_seed_too(tmp_path):
    done = subprocess.run([sys.executable, "-c", LATE], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_import_system_is_as_it_was_when_the_run_ends(host, tmp_path):
    before = list(sys.meta_path)
    run = Run("seeded", root=tmp_path, host=host)
    with activate(run):
        device_manager.seed_everything(1)
        device_manager.seed_everything(2)
        assert len(sys.meta_path) == len(before) + 1
    run.close("completed")
    assert sys.meta_path == before


def test_a_seed_out_of_range_is_refused(run):
    with pytest.raises(UsageError, match="the seed is -1"):
        device_manager.seed_everything(-1)


@pytest.mark.parametrize("seed", [1.5, "1", None])
def test_a_seed_is_a_whole_number(run, seed):
    with pytest.raises(UsageError, match=r"the seed is .*, it is a whole number"):
        device_manager.seed_everything(seed)
    assert device_manager.seed_everything(numpy.int64(3)) == 3
    with pytest.raises(UsageError, match=r"count is .*, it is a whole number"):
        device_manager.get_devices(seed)


@pytest.mark.parametrize("name", ["cuda:x", "tpu", "", 0])
def test_a_device_by_a_wrong_name_is_one_sentence(run, name):
    with pytest.raises(UsageError, match=f"there is no device '{name}', here: .*cpu"):
        device_manager.to(torch.zeros(1), device=name)
    assert device_manager.to(torch.zeros(1), device="CPU").device == torch.device("cpu")


def test_a_run_with_a_seed_starts_torch_with_it(host, tmp_path):
    def draw():
        with activate(Run("seeded", root=tmp_path, seed=3, host=host)):
            device_manager.get_device()
            return torch.rand(2).tolist()

    assert draw() == draw()


def test_batches_move_whole(run):
    batch = {"inputs": [torch.zeros(2), (torch.ones(1), "name")], "count": 3}
    moved = device_manager.to(batch, device="meta")
    assert moved["inputs"][0].device.type == moved["inputs"][1][0].device.type == "meta"
    assert (moved["inputs"][1][1], moved["count"]) == ("name", 3)


def test_prefetch_gives_the_same_batches_in_order(run):
    batches = [torch.full((2,), float(index)) for index in range(4)]
    assert [batch[0].item() for batch in device_manager.prefetch(batches)] == [0, 1, 2, 3]


def test_on_the_cpu_prefetch_is_the_loader_itself(run):
    loader = [torch.zeros(1)]
    assert device_manager.prefetch(loader) is loader
    assert len(device_manager.prefetch(loader, device="meta")) == 1


def test_what_is_known_of_a_loader_is_known_of_its_prefetched_batches(run):
    loader = DataLoader([1, 2, 3], batch_size=2)
    batches = device_manager.prefetch(loader, device="meta")
    assert (batches.batch_size, len(batches.dataset), len(batches)) == (2, 3, 2)
    with pytest.raises(AttributeError, match="nothing"):
        getattr(batches, "nothing")  # noqa: B009
    assert len(copy(batches)) == 2


def test_autocast_lowers_the_precision_of_a_product(run):
    with device_manager.autocast():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.bfloat16
    with device_manager.autocast(enabled=False):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32


def test_waiting_and_emptying_do_no_harm_on_the_cpu(run):
    device_manager.synchronize()
    device_manager.empty_cache()


def test_the_helper_imports_without_torch():
    code = "import sys, tipi_core.devices; print('torch' in sys.modules, 'pluggy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
