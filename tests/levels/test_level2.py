"""Level 2 in an empty home, with and without a terminal: it trains, says where the metrics go, and asks nothing."""

import os
import shutil
import socket
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.docs.screen import lines_of, run_on_terminal
from tipi.records import list_records
from tipi_plugins.wandb.ladder import is_installed

if find_spec("torch") is None or not is_installed():
    pytest.skip("needs torch and wandb", allow_module_level=True)

HERE = Path(__file__).parent
KEY = "0123456789abcdef0123456789abcdef01234567"
CASES = {
    "no account": ({}, "tipi: no key for W&B: metrics go to runs/train/"),
    "offline": ({"WANDB_MODE": "offline"}, "tipi: W&B offline (WANDB_MODE=offline): its files go to runs/train/"),
    "disabled": ({"WANDB_MODE": "disabled"}, "tipi: W&B is off (WANDB_MODE=disabled): metrics go to runs/train/"),
    "dead server": ({"WANDB_API_KEY": KEY}, "tipi: W&B did not answer at http://127.0.0.1:"),
    "not installed": ({"PYTHONPATH": str(HERE / "without_wandb")}, "tipi: W&B is not installed: metrics go to runs/"),
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "home").mkdir()
    return Path(shutil.copytree(HERE / "projects" / "level2", tmp_path / "level2"))


@pytest.fixture
def environment(folder):
    """Variables of a user without an account, and of a server where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    return {
        **os.environ, "HOME": str(folder.parent / "home"), "WANDB_BASE_URL": f"http://127.0.0.1:{port}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }  # fmt: skip


def on_terminal(folder, environment):
    code, screen = run_on_terminal([sys.executable, "train.py"], folder, columns=240, environment=environment)
    return code, "\n".join(line.plain for line in lines_of(screen))


def through_pipes(folder, environment):
    done = subprocess.run(
        [sys.executable, "train.py"], check=False, cwd=folder, env=environment, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=100,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("start", [on_terminal, through_pipes])
@pytest.mark.parametrize("case", CASES)
def test_it_ends_well_says_where_the_metrics_are_and_asks_nothing(folder, environment, start, case):
    extra, words = CASES[case]
    code, said = start(folder, environment | extra)
    assert code == 0, said
    assert said.count(words) == 1, said
    assert "Enter your choice" not in said
    assert "Traceback" not in said
    (record,) = list_records(folder / "runs")
    assert record.state == "completed"
    rows = list(record.metrics())
    assert [row["step"] for row in rows] == list(range(30))
    assert {name for row in rows for name in row["values"]} == {"batch_loss", "epoch_loss"}
    assert [row["loop"] for row in rows[:3]] == [
        [["Epochs", 0], ["Training", 0]],
        [["Epochs", 0], ["Training", 1]],
        [["Epochs", 0]],
    ]
