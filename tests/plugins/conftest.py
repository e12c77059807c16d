"""A training script that logs, the ways to run it, and a W&B server that answers on this machine."""

import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.plugins.wandb_server import StandIn

SCRIPT = """
import sys
from tipi.helpers import logger

logger.init(project="my_research", entity="my_team", config={"lr": 0.1, "api_key": "hush"})
for i in range(60):
    logger.log({"loss": 1 / (i + 1), "acc": {"top1": i}, "best": float("nan") if i % 7 == 0 else i * 0.5})
BODY
"""
BLOCK = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "wandb":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocked())
"""


@pytest.fixture
def script(tmp_path):
    """Write ``train.py``; ``body`` goes behind the 60 rows that it logs."""

    def write(body='print("wandb" in sys.modules)'):
        (tmp_path / "train.py").write_text(SCRIPT.replace("BODY", body))
        return tmp_path / "train.py"

    return write


@pytest.fixture
def without_wandb(tmp_path_factory):
    """Variables under which no Python process can import wandb."""
    folder = tmp_path_factory.mktemp("blocked")
    (folder / "sitecustomize.py").write_text(BLOCK)
    return {"PYTHONPATH": str(folder)}


@pytest.fixture
def background(tmp_path):
    """Start ``train.py`` in a session of its own and wait until it says that it is ready."""
    started = []

    def start(**environment):
        command = f"exec {shlex.quote(sys.executable)} train.py"
        process = subprocess.Popen(
            ["bash", "-c", command],
            cwd=tmp_path,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        assert process.stdout.readline() == "ready\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def record(tmp_path):
    """Return the folder of the one record."""

    def find() -> Path:
        (found,) = (file.parent for file in (tmp_path / "runs").glob("*/2*/run.json"))
        return found

    return find


@pytest.fixture
def server():
    """A W&B server on this machine, and the variables that lead to it."""
    with StandIn() as stand_in:
        yield stand_in
    assert stand_in.unknown == []


def wait_for(condition, seconds=60):
    """Wait until a condition holds, and return what it gave."""
    until = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < until, "it never happened"
        time.sleep(0.05)
    return answer
