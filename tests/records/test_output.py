"""``log.txt``: what stands on the user's screen stands in the file, at any moment, without the secrets."""

import os
import re
import signal
import subprocess
import sys

import pytest

from tests.docs.screen import lines_of, run_on_terminal

BARS = """
import sys, time
from tipi.helpers import progress_bar
for epoch in progress_bar(range(3), desc="Epochs"):
    for batch in progress_bar(range(5), desc="Training", leave=epoch == 1):
        time.sleep(0.03)
        if batch == 2:
            print("half of epoch", epoch)
    sys.stderr.write("no line end")
    sys.stderr.write(" yet\\n")
print("last", end="")
"""
STEPS = """
from tipi import pipeline_process
from tipi.helpers import progress_bar

@pipeline_process
def train(password: str = ""):
    for epoch in progress_bar(range(3), desc="Epochs"):
        print("signing in with", password)

@pipeline_process
def fail():
    raise ValueError("no")
"""


@pytest.fixture
def project(tmp_path):
    (tmp_path / "steps.py").write_text(STEPS)
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "good.toml").write_text(
        '[processes.train]\ntype = "train"\nparams = { password = "hunter" }\n'
    )
    (tmp_path / "configs" / "bad.toml").write_text('[processes.fail]\ntype = "fail"\n')
    return tmp_path


def log_of(folder, name):
    return (folder / "runs" / name / "latest" / "log.txt").read_text(encoding="utf-8").splitlines()


def on_screen(folder, *words, code=0):
    """Return what stands on a wide terminal after ``tipi`` with these words, and its exit code must be this."""
    found, screen = run_on_terminal([sys.executable, "-m", "tipi", *words], folder, columns=200)
    lines = [text.plain.rstrip() for text in lines_of(screen)]
    assert found == code, lines
    return lines


def test_the_log_of_a_script_is_the_screen_with_the_bars_that_remained(tmp_path):
    (tmp_path / "train.py").write_text(BARS)
    shown = on_screen(tmp_path, "run", "train.py")
    log = log_of(tmp_path, "train")
    assert log == shown
    assert [line for line in log if "half" in line] == [f"half of epoch {epoch}" for epoch in range(3)]
    assert sum("Training" in line for line in log) == 1
    assert log.count("no line end yet") == 3
    assert log[-1] == "last"


def test_a_pipeline_keeps_what_it_printed_on_request_and_no_secret(project, cli):
    shown = on_screen(project, "run", "good", "--log")
    log = log_of(project, "good")
    assert [line for line in shown if "hunter" in line] == ["signing in with hunter"] * 3
    clean = [line.replace("hunter", "********").replace("/home/me/vision", str(project)) for line in shown]
    assert log == clean
    assert any(line.startswith("record  runs/good/") for line in log)
    cli("run", "good")
    assert not (project / "runs" / "good" / "latest" / "log.txt").exists()


def test_the_log_of_a_pipeline_that_failed_holds_its_traceback_and_its_last_line(project, cli):
    done = cli("run", "bad", TIPI_LOG=1)
    assert done.code == 1
    log = log_of(project, "bad")
    assert log == done.err.splitlines()
    assert log[-1].startswith("tipi: error[user-code]: ValueError: no")
    assert any(line.startswith("Traceback") for line in log)


def test_a_killed_script_leaves_what_it_printed(tmp_path):
    code = "import time\nprint('one', flush=True)\nprint('two', flush=True)\ntime.sleep(60)\n"
    (tmp_path / "train.py").write_text(code)
    with subprocess.Popen(
        [sys.executable, "-m", "tipi", "run", "train.py"], cwd=tmp_path, stdout=subprocess.PIPE
    ) as run:
        assert [run.stdout.readline() for _ in range(2)] == [b"one\n", b"two\n"]
        run.send_signal(signal.SIGKILL)
    assert log_of(tmp_path, "train")[0] == "one"


def test_lines_of_forked_children_stay(tmp_path):
    (tmp_path / "train.py").write_text(
        "import os\nfrom tipi.helpers import progress_bar\n"
        "for n in progress_bar(range(3), desc='Epochs'):\n"
        "    child = os.fork()\n    if not child:\n        print(f'child{n}', flush=True)\n        os._exit(0)\n"
        "    os.waitpid(child, 0)\n    print(f'parent{n}')\n"
    )
    on_screen(tmp_path, "run", "train.py")
    words = re.findall(r"^(?:child|parent)\d$", "\n".join(log_of(tmp_path, "train")), re.MULTILINE)
    assert words == ["child0", "parent0", "child1", "parent1", "child2", "parent2"]


def test_streams_are_the_users_own_objects(tmp_path, cli):
    (tmp_path / "train.py").write_text("import sys\nprint(sys.stdout is sys.__stdout__)\n")
    assert cli("run", "train.py").out == "True\n"
    assert log_of(tmp_path, "train") == ["True"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_a_full_disk_costs_the_log_and_nothing_else(tmp_path, cli):
    (tmp_path / "train.py").write_text(
        "import os\nfrom tipi.plugin import current_run\n"
        "os.symlink('/dev/full', current_run().record.path / 'log.txt')\n"
        "print('a')\nprint('b')\n"
    )
    done = cli("run", "train.py")
    assert (done.code, done.out) == (0, "a\nb\n")
