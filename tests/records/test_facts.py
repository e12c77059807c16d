"""What a record says about code, packages and machine."""

import os
import shutil
import subprocess

import pytest

from tipi.records import list_records

git = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
TRAIN = "from tipi.helpers import logger\nlogger.log({'loss': 1.0})\n"


def commit(folder):
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    for words in (["init", "-q", "-b", "main"], ["add", "."], [*identity, "commit", "-q", "-m", "one"]):
        subprocess.run(["git", *words], cwd=folder, check=True)
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@git
def test_a_record_names_the_commit_and_keeps_the_changes(tmp_path, python):
    (tmp_path / "train.py").write_text(TRAIN)
    (tmp_path / ".gitignore").write_text("runs\n")
    head = commit(tmp_path)
    assert python("train.py", TIPI_PLUGINS="").code == 0
    (tmp_path / "train.py").write_text(TRAIN + "lr = 0.1\n")
    assert python("train.py", TIPI_PLUGINS="").code == 0
    dirty, clean = list_records(tmp_path / "runs")
    assert clean.info["git"] == {"commit": head, "branch": "main", "dirty": False}
    assert not (clean.path / "changes.patch").exists()
    assert dirty.info["git"]["dirty"] is True
    assert "+lr = 0.1" in (dirty.path / "changes.patch").read_text()


@git
def test_a_git_that_never_answers_holds_nothing_up(tmp_path, python, monkeypatch):
    from tipi_core.records import facts

    (tmp_path / "git").write_text("#!/bin/sh\nexec sleep 60\n")
    (tmp_path / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(facts, "GIT_SECONDS", 0.1)
    assert facts.describe_code(tmp_path) == {}


def test_a_record_tells_packages_machine_and_how_it_ended(tmp_path, python):
    (tmp_path / "train.py").write_text(TRAIN + "raise KeyError('x')\n")
    assert python("train.py", TIPI_PLUGINS="").code == 1
    (record,) = list_records(tmp_path / "runs")
    assert record.info["packages"]["torch-tipi"]
    assert record.info["machine"]["cores"] > 0
    assert (record.state, record.info["exit_code"], record.info["error"]) == ("failed", 1, "KeyError: 'x'")


def test_a_fork_right_after_init_does_not_hang(tmp_path, python):
    (tmp_path / "train.py").write_text(
        "import os\nfrom tipi.helpers import logger\nlogger.init()\nchild = os.fork()\n"
        "if child == 0:\n    import msgspec, subprocess\n    logger.log({'a': 1})\n    os._exit(7)\n"
        "assert os.waitpid(child, 0)[1] >> 8 == 7\n"
    )
    done = python("train.py", timeout=60)
    assert done.code == 0, done.err
