"""Start-up: wall time of tipi's light commands beside a hello-world click program, hydra and kedro.

Medians of interleaved runs. hydra and kedro live in an environment of their own, whose Python is named:

python benchmarks/startup.py [--rounds 15] [--peers /path/to/python]
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HELLO = """
import click

@click.group()
def main():
    pass

@main.command()
def hello():
    click.echo("hello")

main()
"""
HYDRA = """
import hydra

@hydra.main(version_base=None, config_path=".", config_name="hydra_config")
def main(config):
    print(config.training.epochs)

main()
"""
STEPS = """
from typing import Literal
from tipi import PipelineProcess, pipeline_process

class Fitting(PipelineProcess):
    def __init__(self, controller, force=False, epochs: int = 3, rate: float = 0.1,
                 optimizer: Literal["sgd", "adamw"] = "sgd"):
        super().__init__(controller, force)

    def execute(self): ...

@pipeline_process
def evaluate(threshold: float = 0.5, verbose: bool = False): ...

@pipeline_process
def late_torch():
    import torch
    return {"one": torch.ones(1).item()}
"""
BROKEN = """
sed = 3
[processes.a]
type = "Fiting"
[processes.b]
type = "Fitting"
params = { epohcs = 3, rate = "high", optimizer = "adam" }
[processes.c]
tpye = "evaluate"
[processes.d]
type = "evaluate"
parms = {}
[processes.e]
type = "evaluate"
params = { treshold = 1.0, verbose = 3 }
[procesess.f]
type = "evaluate"
"""


TORCH = """
import torch
from tipi import pipeline_process

@pipeline_process
def with_torch():
    return {"one": torch.ones(1).item()}
"""


def prepare(folder):
    (folder / "configs").mkdir()
    (folder / "steps.py").write_text(STEPS)
    (folder / "configs" / "good.toml").write_text('[processes.a]\ntype = "evaluate"\n')
    (folder / "configs" / "broken.toml").write_text(BROKEN)
    (folder / "training.py").write_text(TORCH)
    (folder / "configs" / "torch.toml").write_text('[processes.a]\ntype = "with_torch"\n')
    (folder / "configs" / "late.toml").write_text('[processes.a]\ntype = "late_torch"\n')
    tables = [f'[processes.p{i}]\ntype = "evaluate"\n[processes.p{i}.params]\nthreshold = 0.5\n' for i in range(5000)]
    (folder / "long.toml").write_text("".join(tables))
    (folder / "hello.py").write_text(HELLO)
    (folder / "hydra_app.py").write_text(HYDRA)
    (folder / "hydra_config.yaml").write_text("training:\n  epochs: 3\n")
    (folder / "with_torch.py").write_text("import torch\ntorch.ones(1).item()\n")


def seconds(command, folder, environment=None):
    start = time.perf_counter()
    surroundings = {**os.environ, **(environment or {})}
    surroundings.pop("PYTHONDONTWRITEBYTECODE", None)  # pip compiles what it installs; here the first round does
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False, env=surroundings)
    taken = time.perf_counter() - start
    assert done.returncode in (0, 1, 2), (command, done.stderr)
    return taken


def commands(peers, torch):
    tipi = [str(Path(sys.executable).with_name("tipi"))]
    found = {
        "click hello --help": [sys.executable, "hello.py", "--help"],
        "tipi --help": [*tipi, "--help"],
        "tipi, completing a command": [*tipi],
        "tipi list": [*tipi, "list"],
        "tipi plugins": [*tipi, "plugins"],
        "tipi validate good": [*tipi, "validate", "good"],
        "tipi validate, 10 mistakes": [*tipi, "validate", "broken"],
        "tipi validate, 20,000 lines": [*tipi, "validate", "long.toml"],
        "import tipi": [sys.executable, "-c", "import tipi"],
        "import tipi.helpers": [sys.executable, "-c", "import tipi.helpers"],
        "python -c pass": [sys.executable, "-c", "pass"],
    }
    if torch:
        found["import torch, the same work"] = [sys.executable, "with_torch.py"]
        found["tipi run, torch"] = [*tipi, "run", "torch"]
        found["tipi run, torch in a function"] = [*tipi, "run", "late"]
    if peers:
        found["hydra --help"] = [peers, "hydra_app.py", "--help"]
        found["hydra, 1 misspelt key"] = [peers, "hydra_app.py", "training.epohcs=3"]
        found["kedro --help"] = [str(Path(peers).with_name("kedro")), "--help"]
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--peers", help="the Python of an environment with hydra-core and kedro")
    parser.add_argument("--no-torch", action="store_true")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    prepare(folder)
    tools = commands(options.peers, not options.no_torch)
    completing = {"_TIPI_COMPLETE": "bash_complete", "COMP_WORDS": "tipi va"}
    times = {name: [] for name in tools}
    for _ in range(options.rounds):
        for name, command in tools.items():
            times[name].append(seconds(command, folder, completing if "completing" in name else None))
    hello = statistics.median(times["click hello --help"])
    print(f"| {'command':29} | {'ms':>7} | over click hello |")
    print(f"|{'-' * 31}|{'-' * 8}:|{'-' * 17}:|")
    for name, values in times.items():
        median = statistics.median(values)
        print(f"| {name:29} | {median * 1000:7.0f} | {median / hello:15.2f}x |")


if __name__ == "__main__":
    main()
