"""Fixtures that many tests share: an environment without accounts, and the command line as a subprocess."""

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]


def pytest_configure():
    """Take signals as at a terminal: a job in the background inherits some of them ignored, and tipi respects that."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


PRIVATE = ("WANDB_", "TIPI_", "CUDA_", "RANK", "LOCAL_RANK", "WORLD_SIZE", "NO_COLOR", "FORCE_COLOR")


HAS_GPU = Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi") is not None


@pytest.fixture(autouse=True)
def _no_account(request, monkeypatch, tmp_path_factory):
    """Every test starts without accounts, GPUs and tipi's variables, and with an empty home."""
    for name in list(os.environ):
        if name.startswith(PRIVATE):
            monkeypatch.delenv(name)
    if HAS_GPU and request.node.get_closest_marker("gpu") is None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")  # as on a machine without one
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # tests share the cores: torch threads of several would fight


@dataclass
class Finished:
    code: int
    out: str
    err: str

    @property
    def last_line(self):
        return self.err.rstrip().rpartition("\n")[2]


@pytest.fixture
def cli(tmp_path):
    """Run ``tipi`` as a user would, in a process of its own; stdin is closed."""

    def run(*arguments, cwd=tmp_path, timeout=100, **environment):
        command = [sys.executable, "-m", "tipi", *map(str, arguments)]
        return run_process(command, cwd, timeout, environment)

    return run


@pytest.fixture
def python(tmp_path):
    """Run ``python`` with arguments in a process of its own; stdin is closed."""

    def run(*arguments, cwd=tmp_path, timeout=100, **environment):
        return run_process([sys.executable, *map(str, arguments)], cwd, timeout, environment)

    return run


def run_process(command, cwd, timeout, environment):
    done = subprocess.run(
        command,
        cwd=Path(cwd),
        env={**os.environ, **{key: str(value) for key, value in environment.items()}},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    return Finished(done.returncode, done.stdout, done.stderr)


def pytest_runtest_setup(item):
    if item.get_closest_marker("gpu") is not None:
        import torch

        if not torch.cuda.is_available():
            pytest.skip("needs a GPU")


class NeedsTorch(pytest.Module):
    """A module of tests that all need torch: one skip with its name, where torch is absent; xdist drops equal ones."""

    def collect(self):
        pytest.skip(f"{self.path.parent.name}/{self.path.name} needs torch", allow_module_level=True)


def pytest_pycollect_makemodule(module_path, parent):
    if module_path.parent.name in ("builtin", "devices") and find_spec("torch") is None:
        return NeedsTorch.from_parent(parent, path=module_path)
    return None


def pytest_addoption(parser):
    parser.addoption("--expected-skips", help="A file that lists the tests which may be skipped, one a line.")


def pytest_terminal_summary(terminalreporter, config):
    """Fail when other tests were skipped than the committed list says."""
    expected = config.getoption("--expected-skips")
    if not expected or hasattr(config, "workerinput"):
        return
    lines = Path(expected).read_text(encoding="utf-8").splitlines()
    names = {line.partition("#")[0].strip() for line in lines} - {""}
    known = {name.removeprefix("? ") for name in names}
    surely = names & known
    skipped = {report.nodeid.partition("[")[0] for report in terminalreporter.stats.get("skipped", [])}
    wrong = (("skipped and not listed", skipped - known), ("listed and not skipped", surely - skipped))
    for title, names in wrong:
        for name in sorted(names):
            terminalreporter.write_line(f"{expected}: {title}: {name}", red=True)
    if skipped - known or surely - skipped:
        terminalreporter._session.exitstatus = 1
