"""Devices: ``get_device()`` in a fresh process that has imported torch, on a made-up machine of 8 GPUs, 5 of them busy.

python -P benchmarks/devices.py
"""

import os
import statistics
import subprocess
import sys
import tempfile
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

ROUNDS = 9
FREE = (1, 2, 70, 3, 79, 2, 1, 60)
ONCE = """
import time, torch
began, cpu = time.perf_counter(), time.process_time()
from tipi.helpers import device_manager
device = device_manager.get_device()
print((time.perf_counter() - began) * 1000, (time.process_time() - cpu) * 1000, device, torch.cuda.is_initialized())
"""


def make_machine(folder):
    """Return the environment of the made-up machine that the tests use."""
    file = Path(__file__).parents[1] / "tests" / "devices" / "machine.py"
    spec = spec_from_file_location("machine", file)
    machine = module_from_spec(spec)
    spec.loader.exec_module(machine)
    return machine.make_machine(folder / "machine", *FREE)


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        surroundings = {**os.environ, **make_machine(folder), "TMPDIR": name}
        surroundings.pop("PYTHONDONTWRITEBYTECODE", None)  # pip compiles what it installs; here the first round does
        command = [sys.executable, "-c", ONCE]
        ask = {"cwd": folder, "env": surroundings, "capture_output": True, "text": True}
        answers = [subprocess.run(command, check=True, **ask).stdout.split() for _ in range(ROUNDS + 1)][1:]
    wall, cpu = (statistics.median(float(answer[position]) for answer in answers) for position in (0, 1))
    _, _, device, started = answers[0]
    print(f"get_device() on 8 GPUs: {wall:.0f} ms ({cpu:.0f} ms of CPU), limit 50")
    print(f"it took {device}; CUDA started: {started}")


if __name__ == "__main__":
    main()
