"""The typed twin of level 5 passes ``mypy --strict``, and mypy knows the types that tipi gives it."""

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import tipi

pytestmark = [
    pytest.mark.skipif(find_spec("mypy") is None, reason="needs mypy"),
    pytest.mark.skipif(find_spec("torch") is None, reason="needs torch"),
]

MISTAKES = """
import torch
from tipi import PipelineController, PipelineProcess
from tipi.decorators import pipeline_process
from tipi.helpers import progress_bar

def mistakes(controller: PipelineController) -> None:
    device: str = controller.get_permanence("device", kind=torch.device)
    for epoch in progress_bar(range(3), desc="Epochs"):
        name: str = epoch

@pipeline_process
def train_model(epochs: int = 10) -> float:
    return 0.1

train_model(epochs="ten")
PipelineProcess(None)
"""


@pytest.fixture
def mypy(tmp_path, cache, monkeypatch):
    """Run mypy as in an environment with tipi installed: errors in tipi's own files are not the user's."""
    home = Path(tipi.__file__).parents[1]
    if home.name != "site-packages":  # mypy does not look through the hook of an editable installation
        monkeypatch.setenv("MYPYPATH", str(home))
    shutil.copytree(Path(__file__).parent / "projects" / "level5_typed", tmp_path / "project")

    def run(*files):
        options = ["--strict", "--follow-imports", "silent", "--cache-dir", str(cache.mkdir("mypy-levels"))]
        command = [sys.executable, "-m", "mypy", *options, *files]
        done = subprocess.run(
            command, check=False, cwd=tmp_path / "project", env=os.environ, capture_output=True, text=True, timeout=110
        )
        return done.returncode, done.stdout + done.stderr

    return run


def test_the_typed_twin_passes_and_mistakes_do_not(mypy, tmp_path):
    code, said = mypy("processes/training.py")
    assert code == 0, said
    (tmp_path / "project" / "mistakes.py").write_text(MISTAKES)
    code, said = mypy("mistakes.py")
    assert code == 1
    errors = [line.partition(": error: ")[2] for line in said.splitlines() if ": error: " in line]
    assert [error.rpartition("[")[2] for error in errors] == [
        "assignment]",
        "assignment]",
        "arg-type]",
        "abstract]",
        "arg-type]",
    ], said
