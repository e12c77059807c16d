"""On a GPU: the same training by hand, with ``.item()`` at every step, with tipi's parts, and by ``TrainingProcess``.

python -P benchmarks/gpu.py

Prints milliseconds a step, the ratio to the loop by hand, the peak of allocated memory, and how often a step waits for
the GPU in the training's thread, as the profiler records CUDA's calls; the look at the losses that TrainingProcess
takes every 64 batches is among them. All take the same steps in turns, each round beginning with another; the figures
are medians of the ratios within each round. The last table brings large batches to the GPU: copied when they are asked
for, or ahead of the loop with ``device_manager.prefetch``.
"""

import json
import os
import statistics
import tempfile
import threading
import time
from dataclasses import dataclass

import torch
from torch.nn import functional
from torch.profiler import profile, record_function

from tipi import PipelineRunner
from tipi.helpers import device_manager, logger, progress_bar
from tipi_plugins.builtin.models import mlp
from tipi_plugins.builtin.resnet import residual_cnn
from tipi_plugins.builtin.training import TrainingProcess

ROUNDS = 9
PROFILED = 64  # steps
WAITS = ("cudaStreamSynchronize", "cudaDeviceSynchronize", "cudaEventSynchronize")
CONFIG = """
[permanences.device]
type = "Device"
[permanences.network]
type = "Model"
[permanences.data]
type = "Batches"
[processes.training]
type = "Timed"
params = { epochs = 1, schedule = "constant", schedule_per = "epoch", precision = "bfloat16", checkpoint = false }
"""


@dataclass
class Case:
    """A model, the shape of its batches, and how many steps a turn has."""

    name: str
    make: object
    shape: tuple
    steps: int


@dataclass
class Model:
    """What ``TrainingProcess`` takes for a network."""

    model: torch.nn.Module
    device: torch.device


@dataclass
class Batches:
    """What it takes for data."""

    train_loader: list


CASES = [
    Case("25 million, bfloat16", lambda: residual_cnn(width=96), (256, 3, 32, 32), 60),  # of ResNet-50's size
    Case("small step (MLP)", lambda: mlp(shape=(64,), hidden=(256,)), (64, 64), 400),
]
REPORTS = {
    "by hand": lambda _: None,
    ".item()": lambda loss: loss.item(),
    "logger.log": lambda loss: logger.log({"loss": loss}),
}


def batches_of(case, device, steps):
    inputs = torch.randn(case.shape, device=device)
    return [(inputs, torch.randint(0, 10, (case.shape[0],), device=device))] * steps


def model_of(case, device):
    torch.manual_seed(0)
    return case.make().to(device)


def by_hand(report, bar=None):
    """Return a contender that trains with ``report`` at every step."""

    def train(case, device, steps):
        model, batches = model_of(case, device), batches_of(case, device, steps)
        optimizer = torch.optim.AdamW(model.parameters())
        torch.cuda.synchronize(device)
        began = time.perf_counter()
        with record_function("steps"):
            for inputs, targets in bar(batches, desc="Training", leave=False) if bar else batches:
                optimizer.zero_grad()
                with device_manager.autocast(torch.bfloat16):
                    loss = functional.cross_entropy(model(inputs), targets)
                loss.backward()
                optimizer.step()
                report(loss)
        torch.cuda.synchronize(device)
        return time.perf_counter() - began

    return train


def by_process(case, device, steps):
    found = []

    class Timed(TrainingProcess):
        def execute(self):
            torch.cuda.synchronize(device)
            began = time.perf_counter()
            result = super().execute()
            torch.cuda.synchronize(device)
            found.append(time.perf_counter() - began)
            return result

        def train_epoch(self, *place):
            with record_function("steps"):
                return super().train_epoch(*place)

    types = {
        "Timed": Timed,
        "Model": lambda: Model(model_of(case, device), device),
        "Batches": lambda: Batches(batches_of(case, device, steps)),
    }
    PipelineRunner("race", types=types).run()
    return found[0]


CONTENDERS = {name: by_hand(report) for name, report in REPORTS.items()} | {
    "bar and logger.log": by_hand(REPORTS["logger.log"], progress_bar),
    "TrainingProcess": by_process,
}


def peak(contender, case, device):
    torch.cuda.synchronize(device)
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats(device)
    contender(case, device, 20)
    return torch.cuda.max_memory_allocated(device) / 1e6


def count_waits(contender, case, device):
    """Return how often this thread waits for CUDA at each step, as the profiler's trace says."""
    with profile() as found:
        contender(case, device, PROFILED)
    found.export_chrome_trace("trace.json")
    with open("trace.json") as file:
        events = json.load(file)["traceEvents"]
    mine = [one for one in events if one.get("tid") == threading.get_native_id() and "dur" in one]
    (steps,) = (one for one in mine if one["name"] == "steps")
    waits = [one for one in mine if one["name"] in WAITS and 0 <= one["ts"] - steps["ts"] <= steps["dur"]]
    return len(waits) / PROFILED


def race(case, device):
    for contender in CONTENDERS.values():  # the first use of everything is nobody's
        contender(case, device, 20)
    rounds, names = [], list(CONTENDERS)
    for turn in range(ROUNDS):
        first = turn % len(names)
        rounds.append({name: CONTENDERS[name](case, device, case.steps) for name in names[first:] + names[:first]})
    print(f"\n{case.name}: {case.steps} steps, medians of {ROUNDS} rounds")
    print(f"{'':20} {'ms a step':>10} {'over hand':>10} {'peak MB':>9} {'waits a step':>13}")
    for name, contender in CONTENDERS.items():
        seconds = statistics.median(turn[name] for turn in rounds)
        ratio = statistics.median(turn[name] / turn["by hand"] for turn in rounds)
        print(
            f"{name:20} {seconds / case.steps * 1000:10.3f} {ratio:10.3f} {peak(contender, case, device):9.1f} "
            f"{count_waits(contender, case, device):13.2f}",
            flush=True,
        )


def readers_of(device):
    """Return ways to bring batches of 77 MB to a model that computes about as long as their copy takes."""
    batches = [torch.randn(128, 3, 224, 224) for _ in range(16)]
    pinned = [batch.pin_memory() for batch in batches]
    model = torch.nn.Conv2d(3, 32, 7, stride=4).to(device)

    def use(batch):
        for _ in range(3):
            model(batch).sum().backward()

    def copied(batches):
        for batch in batches:
            use(batch.to(device, non_blocking=True))

    def ahead(batches):
        for batch in device_manager.prefetch(batches, device):
            use(batch)

    return {
        "pinned, batch.to()": lambda: copied(pinned),
        "pinned, prefetch": lambda: ahead(pinned),
        "pageable, batch.to()": lambda: copied(batches),
        "pageable, prefetch": lambda: ahead(batches),
        "no copy": lambda: copied([pinned[0].to(device)] * len(pinned)),
    }


def race_readers(device):
    readers, rounds = readers_of(device), []
    for turn in range(ROUNDS + 1):
        names = list(readers)[turn % len(readers) :] + list(readers)[: turn % len(readers)]
        rounds.append({})
        for name in names:
            torch.cuda.synchronize(device)
            began = time.perf_counter()
            readers[name]()
            torch.cuda.synchronize(device)
            rounds[-1][name] = time.perf_counter() - began
    print(f"\n{'16 batches of 77 MB':24} {'ms a batch':>10} {'over first':>10}")
    for name in readers:
        seconds = statistics.median(turn[name] for turn in rounds[1:])
        ratio = statistics.median(turn[name] / turn["pinned, batch.to()"] for turn in rounds[1:])
        print(f"{name:24} {seconds / 16 * 1000:10.2f} {ratio:10.3f}", flush=True)


def main():
    if not torch.cuda.is_available():
        print("there is no GPU here: nothing was measured")
        return
    os.chdir(tempfile.mkdtemp())
    os.mkdir("configs")
    with open("configs/race.toml", "w") as file:
        file.write(CONFIG)
    began = time.perf_counter()
    device = device_manager.get_device()
    chosen = time.perf_counter()
    device_manager.devices()
    again = time.perf_counter() - chosen
    made = "a context was made" if torch.cuda.is_initialized() else "no context was made"
    print(f"get_device(): {(chosen - began) * 1000:.0f} ms, the driver's answer alone {again * 1000:.0f} ms; {made}")
    print(f"{device_manager.describe()}; torch {torch.__version__}")
    for case in CASES:
        race(case, device)
    race_readers(device)


if __name__ == "__main__":
    main()
