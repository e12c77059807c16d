"""What a log call costs: wandb offline, tensorboardX, a CSV writer, buffered JSON and tipi side by side.

python benchmarks/logging.py [calls | steps]

Each back end runs in processes of its own, interleaved, inside two open bars, all on one core. "caller" is the CPU time
that a call takes from the training's thread (median of bursts with pauses, so that writers can catch up), "process" the
CPU time of all threads and children for each call, start-up taken off. The training steps compare a loop with bar and
log to the bare loop, and the bare loop to itself: that is the noise. Each of the nine ratios is one of minima over
interleaved blocks: what disturbs a block only ever makes it longer. Where the noise is larger than what is measured,
the share that the threads beside the training took is the better figure: it needs no comparison.
"""

import sys

sys.path.pop(0)  # this file's folder: its name would hide the standard library's logging

import json
import os
import statistics
import subprocess
import tempfile
import threading
import time
from pathlib import Path

ROUNDS = int(os.environ.get("ROUNDS", "3"))
BURST = 2000
BURSTS = 5
COUNTS = (1, 5, 20)
BACKENDS = ("nothing", "json", "csv", "tensorboard", "wandb", "tipi")


def no_logger():
    return lambda _: None, lambda: None


def json_logger():
    file = Path("rows.jsonl").open("w")  # noqa: SIM115 - closed at the end
    return lambda row: file.write(json.dumps(row) + "\n"), file.close


def csv_logger():
    """What Lightning's CSVLogger does: keep the rows, write them all at every hundredth."""
    import csv

    kept, file = [], Path("rows.csv").open("w", newline="")  # noqa: SIM115 - closed with the process

    def log(row):
        kept.append(dict(row))
        if len(kept) == 100:
            flush()

    def flush():
        if kept:
            csv.DictWriter(file, list(kept[0])).writerows(kept)
            file.flush()
            kept.clear()

    return log, flush


def tensorboard_logger():
    from tensorboardX import SummaryWriter

    writer, step = SummaryWriter("tensorboard"), iter(range(10**9))

    def log(row):
        at = next(step)
        for key, value in row.items():
            writer.add_scalar(key, value, at)

    return log, writer.close


def wandb_logger():
    import wandb

    run = wandb.init(project="p", mode="offline", settings=wandb.Settings(console="off", silent=True))
    return run.log, run.finish


def tipi_logger():
    from tipi.helpers import logger

    logger.init(project="p", mode="disabled")
    return logger.log, logger.finish


def child(name, scalars, bursts):
    """Log in bursts; print nanoseconds a call in the caller, over an empty call, and CPU seconds of everything."""
    log, finish = globals()[f"{name}_logger" if name != "nothing" else "no_logger"]()
    row = {f"metric_{number}": 0.5 + number for number in range(scalars)}
    from tipi.helpers import progress_bar

    empty = no_logger()[0]
    times, base = [], []
    for _ in progress_bar(range(1), desc="Epochs"):
        for _ in range(bursts):
            for call, found in ((empty, base), (log, times)):
                items = progress_bar(range(BURST), desc="Training")
                start = time.thread_time_ns()
                for _ in items:
                    call(row)
                found.append((time.thread_time_ns() - start) / BURST)
            time.sleep(0.3)
    finish()
    used = os.times()
    cpu = used.user + used.system + used.children_user + used.children_system
    print(json.dumps({"caller": statistics.median(times or [0]) - statistics.median(base or [0]), "cpu": cpu}))


def burn(seconds):
    """Work for a fixed number of operations, about ``seconds`` long here."""
    for _ in range(int(seconds * 1e6 * SPEED)):
        pass


SPEED = 60  # operations a microsecond


def steps(seconds):
    """Print the CPU of a training loop: bare, bare again, and with bar and log; medians of interleaved ratios."""
    from tipi.helpers import logger, progress_bar

    logger.init(project="p", mode="disabled")
    number = max(100, int(0.4 / seconds))
    burn(1)  # the processor has its speed, the logger its plugins

    def bare():
        for _ in range(number):
            burn(seconds)

    def logged():
        for item in progress_bar(range(number), desc="Training"):
            burn(seconds)
            logger.log({"loss": 0.5, "step": item})

    def cpu(work):
        start = time.process_time()
        work()
        return time.process_time() - start

    def helpers():
        others = [thread for thread in threading.enumerate() if thread is not threading.current_thread()]
        return sum(time.clock_gettime(time.pthread_getcpuclockid(thread.ident)) for thread in others)

    noise, ratio = [], []
    used, whole = helpers(), 0.0
    for _ in range(9):
        blocks = [(cpu(bare), cpu(logged), cpu(bare)) for _ in range(3)]
        whole += sum(block[1] for block in blocks)
        one, two, three = map(min, zip(*blocks, strict=True))
        noise.append(three / one)
        ratio.append(two / min(one, three))
    share = (helpers() - used) / whole
    step = cpu(bare) / number
    spread = max(abs(value - 1) for value in noise)
    medians = {"noise": statistics.median(noise), "ratio": statistics.median(ratio)}
    print(json.dumps({"step": step, "spread": spread, "threads": share, **medians}))


def ask(*words):
    """Run this script for one figure, in a folder of its own, without an account."""
    with tempfile.TemporaryDirectory() as folder:
        private = {"HOME": folder, "WANDB_DIR": folder, "WANDB_SILENT": "true", "WANDB_ERROR_REPORTING": "false"}
        keep = {name: value for name, value in os.environ.items() if not name.startswith("WANDB")}
        done = subprocess.run(
            [sys.executable, str(Path(__file__).resolve()), *map(str, words)],
            cwd=folder, env=keep | private, capture_output=True, text=True, check=False,
        )  # fmt: skip
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    return json.loads(lines[-1]) if done.returncode == 0 and lines else None


def calls():
    found = {}
    for _ in range(ROUNDS):
        for name in BACKENDS:
            idle = ask(name, 1, 0)
            for scalars in COUNTS:
                busy = ask(name, scalars, BURSTS)
                if idle and busy:
                    cpu = (busy["cpu"] - idle["cpu"]) / (BURST * BURSTS) * 1e6
                    found.setdefault((name, scalars), []).append((busy["caller"] / 1000, cpu))
    figures = {key: [statistics.median(part) for part in zip(*values, strict=True)] for key, values in found.items()}
    print(f"{'us a call':14}" + "".join(f"{f'{n} caller':>12}{f'{n} process':>12}" for n in COUNTS))
    for name in BACKENDS[1:]:
        if (name, 1) in figures:
            pairs = [(figures[name, n][0], figures[name, n][1] - figures["nothing", n][1]) for n in COUNTS]
            print(f"{name:14}" + "".join(f"{caller:12.2f}{cpu:12.2f}" for caller, cpu in pairs))
        else:
            print(f"{name:14}  not installed")


def all_steps():
    for seconds in (120e-6, 1e-3):
        result = ask("step", seconds)
        print(
            f"step of {result['step'] * 1e6:6.0f} us: bar and log {result['ratio']:.4f}x bare in CPU; "
            f"bare against itself {result['noise']:.4f}x, at most {result['spread']:.4f} off; "
            f"the threads beside it {100 * result['threads']:.2f} %"
        )


def main(what):
    if what in ("calls", "all"):
        calls()
    if what in ("steps", "all"):
        all_steps()


if __name__ == "__main__":
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    words = sys.argv[1:] or ["all"]
    if words[0] in ("calls", "steps", "all"):
        main(words[0])
    elif words[0] == "step":
        steps(float(words[1]))
    else:
        child(words[0], int(words[1]), int(words[2]))
