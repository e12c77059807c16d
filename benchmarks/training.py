"""Training: the same training by hand, by tipi, and by Lightning, Fabric and Accelerate where they are installed.

python -P benchmarks/training.py

All take the same steps (AdamW, cosine schedule with warm-up, validation after each epoch, the best weights at the end)
in turns, each round beginning with another; the figures are medians of the ratios within each round, in CPU time of the
whole process: all threads count, neighbours on the machine do not. tipi and Lightning run with their defaults: bars, a
log line for every step, checkpoints; "tipi, no checkpoints" leaves those out. The others are loops by hand, without.
On glibc, freed memory stays with the process: else a loop gives it back and faults it in again at every step, or does
not, as chance has laid out the heap, which is a twentieth of the CNN's time for whoever it hits.
"""

import contextlib
import ctypes
import gc
import importlib.util
import io
import logging
import os
import statistics
import tempfile
import time
import warnings
from dataclasses import dataclass

import torch
from torch.nn import functional
from torch.optim.lr_scheduler import LambdaLR

from tipi import PipelineRunner
from tipi_plugins.builtin.loaders import Data
from tipi_plugins.builtin.models import mlp, small_cnn
from tipi_plugins.builtin.recipes import rate_factor
from tipi_plugins.builtin.training import TrainingProcess

ROUNDS = 7
EPOCHS = 10  # as many as TrainingProcess does where nothing is said
RATE = 0.003
HIDDEN = [320, 320]
CONFIG = """
[permanences.device]
type = "Device"
params = { prefer = "cpu" }
[permanences.network]
type = "Network"
params = { model = "MODEL", num_classes = 10, options = { WIDTH } }
[permanences.data]
type = "Data"
params = { dataset = "DATASET", batch_size = 64, options = { OPTIONS } }
[processes.training]
type = "Timed"
params = { epochs = EPOCHS, learning_rate = RATE }
"""


@dataclass
class Case:
    """A model and a dataset, as tipi's config has them and as the others do."""

    name: str
    model: str
    width: str
    dataset: str
    options: dict

    def make_model(self):
        torch.manual_seed(0)
        return small_cnn(10) if self.model == "small_cnn" else mlp(10, hidden=HIDDEN)

    def config(self):
        options = ", ".join(f"{name} = {value}" for name, value in self.options.items())
        words = {"MODEL": self.model, "WIDTH": self.width, "DATASET": self.dataset, "OPTIONS": options}
        text = CONFIG
        for name, word in {**words, "EPOCHS": str(EPOCHS), "RATE": str(RATE)}.items():
            text = text.replace(name, word)
        return text


CASES = [
    Case("digits CNN", "small_cnn", "", "digits", {}),
    Case("1 ms step", "mlp", f"hidden = {HIDDEN}", "synthetic", {"size": 12800, "num_classes": 10}),
]


def schedule_of(optimizer, steps):
    return LambdaLR(optimizer, lambda step: rate_factor(step, steps, "cosine", 0.05))


def measure(model, loader):
    model.eval()
    total = correct = count = 0
    with torch.no_grad():
        for inputs, targets in loader:
            outputs = model(inputs)
            total += functional.cross_entropy(outputs, targets) * len(targets)
            correct += (outputs.argmax(dim=1) == targets).sum()
            count += len(targets)
    return total.item() / count


def run_loop(model, data, step, wrap=lambda *things: things):
    """Train by hand; ``step`` takes the loss, ``wrap`` gets model, optimizer and loader and returns them."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE)
    scheduler = schedule_of(optimizer, EPOCHS * len(data.train_loader))
    model, optimizer, loader = wrap(model, optimizer, data.train_loader)
    best, kept = float("inf"), None
    for _ in range(EPOCHS):
        model.train()
        for inputs, targets in loader:
            optimizer.zero_grad()
            step(functional.cross_entropy(model(inputs), targets))
            optimizer.step()
            scheduler.step()
        found = measure(model, data.val_loader)
        if found < best:
            best, kept = found, {name: value.clone() for name, value in model.state_dict().items()}
    model.load_state_dict(kept)


def raw(case, data):
    began = time.process_time()
    run_loop(case.make_model(), data, torch.Tensor.backward)
    return time.process_time() - began


def ours(case, _, **params):
    found = []

    class Timed(TrainingProcess):
        def execute(self):
            began = time.process_time()
            result = super().execute()
            found.append(time.process_time() - began)
            return result

    with open("configs/race.toml", "w") as file:
        file.write(case.config())
    overrides = {f"training.{name}": value for name, value in params.items()}
    PipelineRunner("race", overrides=overrides, types={"Timed": Timed}).run()
    return found[0]


def ours_without_checkpoints(case, data):
    return ours(case, data, checkpoint=False)


def fabric(case, data):
    from lightning.fabric import Fabric

    began = time.process_time()
    fabric = Fabric(accelerator="cpu", devices=1)

    def wrap(model, optimizer, loader):
        return *fabric.setup(model, optimizer), fabric.setup_dataloaders(loader)

    run_loop(case.make_model(), data, fabric.backward, wrap)
    return time.process_time() - began


def accelerate(case, data):
    from accelerate import Accelerator

    began = time.process_time()
    accelerator = Accelerator(cpu=True)
    run_loop(case.make_model(), data, accelerator.backward, accelerator.prepare)
    return time.process_time() - began


def lightning(case, data):
    import lightning

    class Module(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.model = case.make_model()

        def training_step(self, batch):
            loss = functional.cross_entropy(self.model(batch[0]), batch[1])
            self.log("train_loss", loss)
            return loss

        def validation_step(self, batch):
            outputs = self.model(batch[0])
            self.log("val_loss", functional.cross_entropy(outputs, batch[1]))
            self.log("val_accuracy", (outputs.argmax(dim=1) == batch[1]).float().mean())

        def configure_optimizers(self):
            optimizer = torch.optim.AdamW(self.parameters(), lr=RATE)
            scheduler = schedule_of(optimizer, EPOCHS * len(data.train_loader))
            return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    began = time.process_time()
    trainer = lightning.Trainer(max_epochs=EPOCHS, accelerator="cpu", devices=1)
    trainer.fit(Module(), data.train_loader, data.val_loader)
    return time.process_time() - began


def contenders():
    found = {"raw": raw, "tipi": ours, "tipi, no checkpoints": ours_without_checkpoints}
    if importlib.util.find_spec("lightning"):
        found |= {"Fabric": fabric, "Lightning": lightning}
    if importlib.util.find_spec("accelerate"):
        found["Accelerate"] = accelerate
    return found


def race(case, found):
    torch.manual_seed(0)
    data = Data(case.dataset, batch_size=64, options=case.options, device=torch.device("cpu"))
    for contender in found.values():  # the first use of everything is nobody's
        contender(case, data)
    gc.collect()
    gc.freeze()  # nor are walks over what the others have imported
    rounds = []
    for turn in range(ROUNDS):
        names = [*list(found)[turn % len(found) :], *list(found)[: turn % len(found)]]
        rounds.append({name: found[name](case, data) for name in names})
    return len(data.train_loader) * EPOCHS, rounds


def report(case, steps, rounds):
    base = statistics.median(one["raw"] for one in rounds)
    print(f"\n{case.name}: {steps} steps, {base / steps * 1000:.2f} ms each by hand, medians of {ROUNDS} rounds")
    print(f"{'':22} {'CPU s':>8} {'over raw':>9} {'us a step':>10}")
    for name in rounds[0]:
        seconds = statistics.median(one[name] for one in rounds)
        ratio = statistics.median(one[name] / one["raw"] for one in rounds)
        extra = statistics.median((one[name] - one["raw"]) / steps * 1e6 for one in rounds)
        print(f"{name:22} {seconds:8.3f} {ratio:9.3f} {extra:10.1f}")


def keep_freed_memory():
    """Tell glibc to give nothing back (M_TRIM_THRESHOLD) and to map nothing of its own (M_MMAP_THRESHOLD)."""
    if hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(-1, 2**30)
        libc.mallopt(-3, 2**25)


def main():
    keep_freed_memory()
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    os.chdir(tempfile.mkdtemp())
    os.mkdir("configs")
    found = contenders()
    for case in CASES:
        with contextlib.redirect_stdout(io.StringIO()):  # what Lightning says of the machine
            steps, rounds = race(case, found)
        report(case, steps, rounds)


if __name__ == "__main__":
    main()
