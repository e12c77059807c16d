"""On a GPU: a training loop with logger.log at every step, with ``.item()`` at every step, and with neither.

python -P benchmarks/gpu.py

Prints milliseconds a step, the ratio to the loop with neither, the peak of allocated memory, and how often a step waits
for the GPU more than the loop with neither does, as the profiler counts CUDA's calls.
"""

import os
import statistics
import tempfile
import time

import torch
from torch.nn import functional

from tipi.helpers import device_manager, logger
from tipi_plugins.builtin.models import mlp
from tipi_plugins.builtin.resnet import residual_cnn

ROUNDS = 5
CASES = {
    "25 million, bfloat16": (lambda: residual_cnn(width=96), (256, 3, 32, 32), 100),  # of ResNet-50's size
    "small step (MLP)": (lambda: mlp(shape=(64,), hidden=(256,)), (64, 64), 2000),
}
REPORTS = {
    "raw": lambda _: None,
    ".item()": lambda loss: loss.item(),
    "logger.log": lambda loss: logger.log({"loss": loss}),
}


WAITS = ("cudaStreamSynchronize", "cudaDeviceSynchronize", "cudaEventSynchronize")
PROFILED = 20  # steps, done before the logger's thread fetches anything


def train(make, shape, steps, report, device):
    torch.manual_seed(0)
    model = make().to(device)
    optimizer = torch.optim.AdamW(model.parameters())
    inputs = torch.randn(shape, device=device)
    targets = torch.randint(0, 10, (shape[0],), device=device)
    torch.cuda.synchronize(device)
    torch.cuda.reset_peak_memory_stats(device)
    began = time.perf_counter()
    for _ in range(steps):
        optimizer.zero_grad()
        with device_manager.autocast(torch.bfloat16):
            loss = functional.cross_entropy(model(inputs), targets)
        loss.backward()
        optimizer.step()
        report(loss)
    torch.cuda.synchronize(device)
    return time.perf_counter() - began, torch.cuda.max_memory_allocated(device)


def count_waits(make, shape, report, device):
    """Return how often CUDA was waited for in the training's thread, for each step."""
    with torch.profiler.profile() as found:
        train(make, shape, PROFILED, report, device)
    return sum(event.count for event in found.key_averages() if event.key in WAITS) / PROFILED


def main():
    if not torch.cuda.is_available():
        print("there is no GPU here: nothing was measured")
        return
    os.chdir(tempfile.mkdtemp())
    device = device_manager.get_device()
    print(device_manager.describe())
    print(f"{'case':24} {'report':12} {'ms a step':>10} {'over raw':>9} {'peak MB':>8} {'waits':>6}")
    for case, (make, shape, steps) in CASES.items():
        train(make, shape, 10, REPORTS["raw"], device)
        rounds = [
            {name: train(make, shape, steps, one, device) for name, one in REPORTS.items()} for _ in range(ROUNDS)
        ]
        waits = {name: count_waits(make, shape, report, device) for name, report in REPORTS.items()}
        for name in REPORTS:
            seconds = statistics.median(turn[name][0] for turn in rounds)
            ratio = statistics.median(turn[name][0] / turn["raw"][0] for turn in rounds)
            peak = max(turn[name][1] for turn in rounds) / 1e6
            print(
                f"{case:24} {name:12} {seconds / steps * 1000:10.3f} {ratio:9.3f} {peak:8.0f} "
                f"{waits[name] - waits['raw']:6.2f}"
            )


if __name__ == "__main__":
    main()
