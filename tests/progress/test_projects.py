"""Scripts in the style of real projects: with one import changed they print and save the same."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("tqdm")
torch = pytest.importorskip("torch")

PROJECTS = Path(__file__).parent / "projects"
IMPORTS = {
    "from tqdm import tqdm, trange": "from tipi.helpers import progress_bar as tqdm, trange",
    "from tqdm import tqdm": "from tipi.helpers import progress_bar as tqdm",
}


def changed(source):
    """Return the script with its one import of tqdm replaced."""
    for old, new in IMPORTS.items():
        if old in source:
            assert source.count("tqdm import") == 1
            return source.replace(old, new)
    raise AssertionError("no import of tqdm")


@pytest.mark.parametrize("name", ["loaders", "by_hand", "pool"])
def test_one_changed_import_changes_nothing(name, tmp_path, terminal):
    source = (PROJECTS / f"{name}.py").read_text(encoding="utf-8")
    theirs = run(tmp_path / "tqdm", source)
    ours = run(tmp_path / "tipi", changed(source))
    assert ours[0] == theirs[0]
    assert b"\r" not in ours[1]
    live = terminal(changed(source), stdout=tmp_path / "log", prelude="", PYTHONWARNINGS="ignore", timeout=100)
    assert live.code == 0
    assert live.lines[0].startswith("✓")
    assert (tmp_path / "log").read_bytes() == theirs[0]
    for folder in (tmp_path / "tipi", tmp_path):
        assert_same(torch.load(folder / "weights.pt"), torch.load(tmp_path / "tqdm" / "weights.pt"))
    assert {path.name for path in (tmp_path / "tipi").iterdir()} == {"train.py", "weights.pt"}


def run(folder, source):
    """Run a script in a folder of its own; return what it wrote to stdout and stderr."""
    folder.mkdir()
    (folder / "train.py").write_text(source, encoding="utf-8")
    command = [sys.executable, "-B", "-W", "ignore", "train.py"]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=True, stdin=subprocess.DEVNULL, timeout=100)
    return done.stdout, done.stderr


def assert_same(ours, theirs):
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
