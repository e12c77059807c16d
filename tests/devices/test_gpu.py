"""What only a machine with a GPU shows: records of the driver, no context, leases, copies and logs that do not wait."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from tipi.helpers import device_manager, logger
from tipi.records import read_record
from tipi_core.plugins import PluginHost
from tipi_core.run import Run, activate

pytestmark = pytest.mark.gpu

A_SECOND = 2 * 10**9  # ticks of a GPU's clock, about

UNTOUCHED = """
import os
import torch
from tipi.helpers import device_manager

device = device_manager.get_device()
seen = device_manager.devices()
assert not torch.cuda.is_initialized()
assert all(os.getpid() not in (one.processes or ()) for one in seen), seen
print(device, device_manager.describe(), sep="\\n")
"""

HOLDER = """
from tipi.helpers import device_manager

print(device_manager.get_device(), flush=True)
input()
"""


def test_the_records_are_those_of_torch(run):
    found = [one for one in device_manager.devices() if one.type == "cuda"]
    assert [one.index for one in found] == list(range(torch.cuda.device_count()))
    for one in found:
        about = torch.cuda.get_device_properties(one.index)
        assert one.name == about.name
        assert str(about.uuid) in one.uuid
        assert one.total >= about.total_memory > 0.9 * one.total
        assert 0 <= one.free <= one.total
        assert 0 <= one.utilisation <= 100
        assert 0 < one.temperature < 120


def test_memory_that_is_taken_is_seen(run):
    def free():
        return next(one.free for one in device_manager.devices() if one.label == "cuda:0")

    torch.zeros(1, device="cuda:0")
    before = free()
    taken = torch.empty(before // 4, dtype=torch.uint8, device="cuda:0")  # more than other tests beside this one take
    size = taken.numel()
    assert before - free() > 0.8 * size
    del taken
    device_manager.empty_cache()
    assert before - free() < 0.5 * size


def test_a_gpu_is_chosen_without_a_context(python):
    done = python("-c", UNTOUCHED)
    assert done.code == 0, done.err
    assert done.out.startswith("cuda:")


@pytest.mark.parametrize("hidden", ["", "-1", "7,0"])
def test_gpus_that_are_hidden_are_left_alone(python, hidden):
    done = python("-c", UNTOUCHED, CUDA_VISIBLE_DEVICES=hidden)
    assert done.code == 0, done.err
    expected = "cuda:" if hidden == "7,0" and torch.cuda.device_count() > 7 else "cpu"
    assert done.out.startswith(expected)


def test_a_gpu_may_be_named_by_its_uuid(python):
    uuid = torch.cuda.get_device_properties(0).uuid
    done = python("-c", UNTOUCHED, CUDA_VISIBLE_DEVICES=f"GPU-{uuid}")
    assert done.out.startswith("cuda:0"), done.err


def test_two_scripts_at_once_take_different_gpus_or_say_that_they_share(python):
    holder = subprocess.Popen([sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        first = holder.stdout.readline().strip()
        second = python("-c", "from tipi.helpers import device_manager; print(device_manager.get_device())")
    finally:
        holder.communicate("\n", timeout=60)
    assert second.code == 0
    if torch.cuda.device_count() > 1:
        assert first != second.out.strip()
    else:
        assert first == second.out.strip() == "cuda:0"
        assert "another run of yours holds cuda:0" in second.err


def test_batches_of_a_loader_are_copied_ahead_whole_and_in_order(run):
    numbers = torch.arange(4000.0).reshape(1000, 4)
    loader = DataLoader(TensorDataset(numbers, numbers[:, 0].long()), batch_size=32, pin_memory=True)
    device = torch.device("cuda", 0)
    ahead = device_manager.prefetch(loader, device)
    assert len(ahead) == len(loader)
    seen = [(inputs.clone(), targets.clone()) for inputs, targets in ahead]
    assert {inputs.device for inputs, _ in seen} == {device}
    assert torch.equal(torch.cat([inputs for inputs, _ in seen]).cpu(), numbers)
    assert torch.equal(torch.cat([targets for _, targets in seen]).cpu(), numbers[:, 0].long())


def test_a_batch_that_was_dropped_is_not_written_over_while_it_is_used(run):
    device = torch.device("cuda", 0)
    batches = [torch.full((2**22,), float(index)) for index in range(12)]
    sums = []
    for batch in device_manager.prefetch(batches, device):
        torch.cuda._sleep(A_SECOND // 50)  # the GPU is behind: what follows is computed later
        sums.append(batch.mean())
        del batch
    assert [value.item() for value in sums] == [float(index) for index in range(12)]


@pytest.fixture
def logged(tmp_path, monkeypatch):
    """Run a function in a run that logs; return the losses in its record."""
    monkeypatch.chdir(tmp_path)

    def values(function):
        with activate(Run("logs", root=tmp_path, host=PluginHost.load())) as run:
            logger.init()
            function()
            run.close("completed")
        return [row["values"]["loss"] for row in read_record(run.record.path).metrics()]

    return values


def test_a_log_of_losses_does_not_wait_for_the_gpu(logged):
    def work():
        losses = torch.arange(100.0, device="cuda")
        logger.log({"loss": losses[0]})  # whatever the first one loads is not of interest
        torch.cuda.synchronize()
        torch.cuda._sleep(2 * A_SECOND)
        for loss in losses[1:]:
            logger.log({"loss": loss})
        assert not torch.cuda.current_stream().query(), "the loop waited for the GPU"
        losses += 1000  # what was logged is what the loss was

    assert logged(work) == [float(index) for index in range(100)]


def test_a_loss_of_another_stream_has_its_value(logged):
    def work():
        with torch.cuda.stream(torch.cuda.Stream()):
            for index in range(10):
                torch.cuda._sleep(A_SECOND // 10)
                logger.log({"loss": torch.full((), float(index), device="cuda")})

    assert logged(work) == [float(index) for index in range(10)]


def test_seeds_reach_the_gpu(run):
    def draw():
        device_manager.seed_everything(3)
        return torch.randn(5, device="cuda").tolist()

    assert draw() == draw()


def test_autocast_and_synchronize_take_the_run_s_gpu(run):
    device = device_manager.get_device()
    with device_manager.autocast(torch.bfloat16):
        product = torch.ones(8, 8, device=device) @ torch.ones(8, 8, device=device)
    assert product.dtype == torch.bfloat16
    torch.cuda._sleep(A_SECOND // 4)
    device_manager.synchronize()
    assert torch.cuda.current_stream().query()
