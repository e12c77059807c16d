"""The files of a new project, and of a new plugin, as text; ``{name}`` and the like are filled in."""

from __future__ import annotations

TRAIN_HEAD = '''"""Fits a line through noisy points; {how}."""

import torch
{imports}

torch.manual_seed(0)
{init}
'''
IMPORTS = (
    "",
    "from tipi.helpers import progress_bar",
    "from tipi.helpers import logger, progress_bar",
    "from tipi.helpers import device_manager, logger, progress_bar",
    "from tipi.decorators import pipeline_process\nfrom tipi.helpers import device_manager, logger, progress_bar",
)
INIT = 'logger.init(project="{name}")\n'
DEVICE = 'torch.device("cuda" if torch.cuda.is_available() else "cpu")'
LOOP = """\
device = {device}
model = torch.nn.Linear(1, 1).to(device)
optimizer = torch.optim.SGD(model.parameters(), lr={lr})
inputs = torch.linspace(-1, 1, 64, device=device).unsqueeze(1)
targets = 3 * inputs + 0.5 + 0.1 * torch.randn_like(inputs)

for epoch in {epochs}:
    loss = torch.nn.functional.mse_loss(model(inputs), targets)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    {log}
"""
FUNCTION = '''\
@pipeline_process
def train_model(epochs: int = 50, lr: float = 0.1):
    """Fit the line and return the last loss; every number is a parameter of the pipeline too."""
{body}
    return {{"loss": loss.item()}}


if __name__ == "__main__":
    print(train_model())
'''
PROCESS = '''"""The processes of the pipeline {name}."""

import torch

from tipi import PipelineProcess
from tipi.helpers import logger, progress_bar


class LineTraining(PipelineProcess):
    """Fits a line through noisy points.

    Args:
        controller: What the process sees of the run.
        force: Execute even where ``skip`` would say no.
        epochs: How many steps to take.
        lr: The rate of the optimizer.
    """

    def __init__(self, controller, force: bool = False, epochs: int = 50, lr: float = 0.1):
        super().__init__(controller, force)
        self.epochs = epochs
        self.lr = lr

    def execute(self):
        device = self.controller.get_permanence("device")
        model = torch.nn.Linear(1, 1).to(device)
        optimizer = torch.optim.SGD(model.parameters(), lr=self.lr)
        inputs = torch.linspace(-1, 1, 64, device=device).unsqueeze(1)
        targets = 3 * inputs + 0.5 + 0.1 * torch.randn_like(inputs)
        for _ in progress_bar(range(self.epochs), desc="Epochs"):
            loss = torch.nn.functional.mse_loss(model(inputs), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            logger.log({{"loss": loss}})
        return {{"loss": loss.item()}}
'''
CONFIG = """\
# tipi run {name}
# tipi run {name} training.epochs=100        any value below can be changed for one run

description = "a line through noisy points"
seed = 0

[permanences.device]
type = "Device"                 # the GPU with the most memory free, else the CPU

[processes.training]
type = "LineTraining"           # in processes/training.py
params = {{ epochs = 50, lr = 0.1 }}
"""
TEST_PIPELINE = '''"""The pipeline, run as a whole."""

from pathlib import Path

from tipi import PipelineRunner

ROOT = Path(__file__).resolve().parents[1]


def test_the_loss_falls(monkeypatch, tmp_path):
    monkeypatch.setenv("TIPI_RUNS", str(tmp_path))
    short = PipelineRunner("{name}", overrides={{"training.epochs": 1}}, project=ROOT).run()
    long = PipelineRunner("{name}", overrides={{"training.epochs": 50}}, project=ROOT).run()
    assert long["training"]["loss"] < short["training"]["loss"]
'''
TEST_SCRIPT = '''"""The script, run as a whole."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_the_script_runs(tmp_path):
    subprocess.run([sys.executable, str(ROOT / "train.py")], cwd=tmp_path, check=True, timeout=100)
'''
PYPROJECT = """\
[project]
name = "{distribution}"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = ["torch-tipi[torch]"]

[project.optional-dependencies]
dev = ["pytest"]

[tool.setuptools]
packages = []

[tool.tipi]

[tool.pytest.ini_options]
testpaths = ["tests"]
"""
README = """\
# {name}

```sh
{run}
pytest
```
"""
IGNORE = "__pycache__/\n.venv/\nruns/\nwandb/\n"

PLUGIN_PYPROJECT = """\
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "{name}"
version = "0.1.0"
description = "A plugin for tipi."
readme = "README.md"
requires-python = ">=3.11"
dependencies = ["torch-tipi"]

[project.optional-dependencies]
dev = ["pytest"]

[project.entry-points.tipi]
{plugin} = "{module}"

[tool.setuptools]
packages = ["{module}"]

[tool.pytest.ini_options]
testpaths = ["tests"]
"""
PLUGIN_INIT = '''"""A plugin for tipi: names a permanence and a process; neither is imported before a run needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tipi.plugin import hookimpl

if TYPE_CHECKING:
    from tipi.plugin import Registry


@hookimpl
def tipi_register(registry: Registry) -> None:
    """Name what the plugin brings."""
    registry.permanence("{prefix}Counter", "{module}.parts:{prefix}Counter")
    registry.process("{prefix}Process", "{module}.parts:{prefix}Process")
'''
PLUGIN_PARTS = '''"""The permanence and the process."""

from __future__ import annotations

from typing import Any

from tipi.plugin import Permanence, PipelineController, PipelineProcess, logger, progress_bar


class {prefix}Counter(Permanence):
    """Counts up from a number.

    Args:
        start: Where to begin.
    """

    def __init__(self, start: int = 0) -> None:
        self.value = start


class {prefix}Process(PipelineProcess):
    """Counts with the permanence ``counter``.

    Args:
        controller: What the run provides.
        force: Execute even where ``skip`` would say no.
        steps: How far to count.
    """

    def __init__(self, controller: PipelineController, force: bool = False, steps: int = 3) -> None:
        super().__init__(controller, force)
        self.counter = controller.get_permanence("counter", kind={prefix}Counter)
        self.steps = steps

    def execute(self) -> dict[str, Any]:
        """Return how far it came."""
        for _ in progress_bar(range(self.steps), desc="Counting"):
            self.counter.value += 1
            logger.log({{"value": self.counter.value}})
        return {{"value": self.counter.value}}
'''
PLUGIN_TEST = '''"""The plugin in a project, as its users see it; the fixtures come with tipi."""

from {module}.parts import {prefix}Counter, {prefix}Process

CONFIG = """
    [permanences.counter]
    type = "{prefix}Counter"
    params = {{ start = 10 }}

    [processes.counting]
    type = "{prefix}Process"
"""
TYPES = {{"{prefix}Counter": {prefix}Counter, "{prefix}Process": {prefix}Process}}


def test_it_counts(tipi_project, tipi_run):
    tipi_project.write("configs/counting.toml", CONFIG)
    assert tipi_run("counting", "counting.steps=5", types=TYPES)["counting"] == {{"value": 15}}
'''
PLUGIN_README = """\
# {name}

```sh
pip install -e ".[dev]"
tipi plugins
pytest
```

A pipeline names its types `{prefix}Counter` and `{prefix}Process`.
"""
