"""Training: TrainingProcess beside a hand-written loop, interleaved, medians of the ratios within each round.

python -P benchmarks/training.py
"""

import logging
import os
import statistics
import tempfile
import time

import torch
from torch.nn import functional
from torch.optim.lr_scheduler import LambdaLR

from tipi import PipelineRunner
from tipi.plugin import PipelineProcess
from tipi_plugins.builtin.recipes import rate_factor
from tipi_plugins.builtin.training import TrainingProcess

ROUNDS = 7
EPOCHS = 5
CONFIG = """
seed = 0
[permanences.device]
type = "Device"
params = { prefer = "cpu" }
[permanences.network]
type = "Network"
params = { model = "MODEL", num_classes = 10, options = { WIDTH } }
[permanences.data]
type = "Data"
params = { dataset = "DATASET", batch_size = 64, options = { OPTIONS } }
[processes.race]
type = "Race"
"""
CASES = {
    "digits CNN": ("small_cnn", "", "digits", ""),
    "MLP, 300,000 parameters": ("mlp", "hidden = [512, 512]", "synthetic", "size = 6400, num_classes = 10"),
}


class Race(PipelineProcess):
    """Time both loops on the same network and data, in turns; each includes the validation after an epoch."""

    def execute(self):
        start = {name: value.clone() for name, value in self.network.state_dict().items()}
        pairs = []
        for turn in range(ROUNDS):
            loops = [self.raw, self.ours, self.ours_saving]
            seconds = {}
            for loop in loops if turn % 2 else reversed(loops):
                self.network.load_state_dict(start)
                torch.manual_seed(0)
                began = time.perf_counter()
                loop()
                seconds[loop.__name__] = time.perf_counter() - began
            pairs.append(seconds)
        return pairs

    @property
    def network(self):
        return self.controller.get_permanence("network").model

    @property
    def data(self):
        return self.controller.get_permanence("data")

    def raw(self):
        model, loader = self.network, self.data.train_loader
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.003)
        steps = EPOCHS * len(loader)
        scheduler = LambdaLR(optimizer, lambda step: rate_factor(step, steps, "cosine", 0.05))
        best, kept = float("inf"), None
        for _ in range(EPOCHS):
            model.train()
            for inputs, targets in loader:
                optimizer.zero_grad()
                loss = functional.cross_entropy(model(inputs), targets)
                loss.backward()
                optimizer.step()
                scheduler.step()
            found = self.measure(model, self.data.val_loader)
            if found < best:
                best, kept = found, {name: value.clone() for name, value in model.state_dict().items()}
        model.load_state_dict(kept)
        self.measure(model, loader)

    def ours(self):
        TrainingProcess(self.controller, epochs=EPOCHS, learning_rate=0.003, checkpoint=False).execute()

    def ours_saving(self):
        TrainingProcess(self.controller, epochs=EPOCHS, learning_rate=0.003).execute()

    def measure(self, model, loader):
        model.eval()
        total = correct = count = 0
        with torch.no_grad():
            for inputs, targets in loader:
                outputs = model(inputs)
                total += functional.cross_entropy(outputs, targets) * len(targets)
                correct += (outputs.argmax(dim=1) == targets).sum()
                count += len(targets)
        return total.item() / count


def main():
    logging.getLogger("tipi").setLevel(logging.ERROR)
    torch.set_num_threads(1)
    os.chdir(tempfile.mkdtemp())
    os.mkdir("configs")
    print(f"{'case':28} {'raw s':>7} {'ours s':>7} {'ratio':>6} {'with checkpoints':>17}")
    for name, (model, width, dataset, options) in CASES.items():
        text = CONFIG.replace("MODEL", model).replace("WIDTH", width)
        text = text.replace("DATASET", dataset).replace("OPTIONS", options)
        with open("configs/race.toml", "w") as file:
            file.write(text)
        pairs = PipelineRunner("race", types={"Race": Race}).run()["race"]
        raw, ours = (statistics.median(pair[key] for pair in pairs) for key in ("raw", "ours"))
        ratio, saving = (
            statistics.median(pair[key] / pair["raw"] for pair in pairs) for key in ("ours", "ours_saving")
        )
        print(f"{name:28} {raw:7.2f} {ours:7.2f} {ratio:6.3f} {saving:17.3f}")


if __name__ == "__main__":
    main()
