"""A fresh environment, as a user makes one: install, create, run, and the tests that were created."""

import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.long, pytest.mark.timeout(1200)]


class Fresh:
    """An environment of its own with tipi and torch, installed from a copy of the source."""

    def __init__(self, folder):
        self.bin = folder / "venv" / "bin"
        self.environment = {**os.environ}  # pip is configured below the home, which each test replaces
        self.environment.pop("PYTHONPATH", None)
        source = folder / "source"
        for name in ("tipi", "tipi_core", "tipi_plugins"):
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(ROOT / name, source)
        venv.create(folder / "venv", with_pip=True)
        self.install(f"{source}[torch]")

    def install(self, *what, cwd=ROOT):
        """Install with the tested versions."""
        self.run("python", "-m", "pip", "install", "-q", "-c", ROOT / "constraints.txt", *what, cwd=cwd)

    def run(self, program, *arguments, cwd):
        """Run a program of the environment, which must succeed; return what it printed."""
        done = subprocess.run(
            [self.bin / program, *arguments],
            cwd=cwd,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    return Fresh(tmp_path_factory.mktemp("fresh"))


@pytest.mark.parametrize("level", ["1", "2", "3", "4", "5"])
def test_a_created_project_passes_its_tests_and_runs(fresh, tmp_path, level):
    fresh.run("tipi", "create", "line", "--level", level, cwd=tmp_path)
    project = tmp_path / "line"
    fresh.install("-e", ".[dev]", cwd=project)
    assert "1 passed" in fresh.run("pytest", "-q", cwd=project)
    if level != "5":
        fresh.run("tipi", "run", "train.py", cwd=project)
        return
    answer = json.loads(fresh.run("tipi", "run", "line", "--json", cwd=project))
    assert answer["processes"]["training"]["result"]["loss"] < 1


def test_a_created_plugin_is_found_and_passes_its_tests(fresh, tmp_path):
    fresh.run("tipi", "create", "tipi-counter", "--plugin", cwd=tmp_path)
    plugin = tmp_path / "tipi-counter"
    fresh.install("-e", ".[dev]", cwd=plugin)
    rows = {row["name"]: row for row in json.loads(fresh.run("tipi", "plugins", "--json", cwd=plugin))}
    assert rows["counter"]["status"] == "ok"
    assert "passed" in fresh.run("pytest", "-q", cwd=plugin)


def test_nothing_of_this_source_tree_was_used(fresh, tmp_path):
    assert Path(sys.prefix) != fresh.bin.parent
    (found,) = fresh.run("python", "-c", "import tipi; print(tipi.__file__)", cwd=tmp_path).split()
    assert Path(found).is_relative_to(fresh.bin.parent)
