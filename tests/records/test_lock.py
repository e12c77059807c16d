"""Running or crashed: the lock and the process tell, in every way that a training can die."""

import json
import os
import signal
import subprocess
import sys

import pytest

from tipi.errors import StorageError
from tipi.records import read_record
from tipi_core.records import RunRecord, lock

pytestmark = pytest.mark.skipif(os.name != "posix", reason="record locks are POSIX")

HOLD = """
import sys, time
from pathlib import Path
from tipi_core.records import RunRecord
record = RunRecord.create(Path("runs"), "train", "held", {})
BEFORE
print("ready", flush=True)
sys.stdin.read()
AFTER
"""


@pytest.fixture
def holder(tmp_path):
    """Start a process that holds a record; ends with its stdin."""
    started = []

    def start(before="", after=""):
        code = HOLD.replace("BEFORE", before).replace("AFTER", after)
        process = subprocess.Popen(
            [sys.executable, "-c", code], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        assert process.stdout.readline() == "ready\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "runs" / "train" / "held"


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.wait(30)


def forget_the_process(folder):
    """Take away what identifies the process, so that only the lock can tell."""
    info = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**info, "pid_start": None}))


def test_a_run_is_running_while_its_process_lives_and_crashed_after_kill_9(holder, folder):
    process = holder()
    assert read_record(folder).state == "running"
    kill(process)
    assert read_record(folder).state == "crashed"


def test_the_lock_alone_tells(holder, folder):
    process = holder()
    forget_the_process(folder)
    assert read_record(folder).state == "running"
    kill(process)
    assert read_record(folder).state == "crashed"


def test_looking_at_a_run_does_not_free_it(holder, folder):
    holder()
    forget_the_process(folder)
    for _ in range(3):
        assert read_record(folder).state == "running"
    assert lock.is_held(folder)


def test_a_dead_run_nobody_has_reaped_is_crashed(holder, folder):
    process = holder()
    os.kill(process.pid, signal.SIGKILL)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert read_record(folder).state == "crashed"


def test_a_forked_worker_that_outlives_the_training_does_not_keep_it_running(holder, folder):
    process = holder(before="import os\nif os.fork() == 0:\n    time.sleep(60)\n    os._exit(0)")
    with open(f"/proc/{process.pid}/task/{process.pid}/children") as file:
        worker = int(file.read().split()[0])
    try:
        kill(process)
        assert read_record(folder).state == "crashed"
    finally:
        os.kill(worker, signal.SIGKILL)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")
def test_a_training_that_copies_its_own_record_is_still_running(holder, folder):
    process = holder(before='import shutil; shutil.copytree(record.path, "copy")')
    assert not lock.is_held(folder)
    assert read_record(folder).state == "running"
    kill(process)
    assert read_record(folder).state == "crashed"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")
def test_another_process_under_the_number_of_a_dead_one_is_not_taken_for_it(holder, folder):
    process = holder()
    kill(process)
    info = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**info, "pid": os.getpid()}))
    assert read_record(folder).state == "crashed"


def test_a_run_that_ended_is_what_it_says(holder, folder):
    process = holder(after='record.close("interrupted")')
    process.communicate("", timeout=30)
    assert read_record(folder).state == "interrupted"


def test_a_run_is_held_once_also_within_one_process(tmp_path):
    record = RunRecord.create(tmp_path, "train", "held", {})
    with pytest.raises(StorageError, match="held by this process"):
        lock.acquire(record.path)
    assert read_record(record.path).state == "running"
    record.close("completed")


def test_a_run_of_another_process_is_not_taken(holder, folder):
    holder()
    with pytest.raises(StorageError, match="held by another process") as caught:
        lock.acquire(folder)
    assert caught.value.id == "locked"
    assert read_record(folder).state == "running"


def test_a_file_system_without_locks_still_keeps_records(tmp_path, monkeypatch):
    import errno
    import fcntl

    def refuse(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "lockf", refuse)
    record = RunRecord.create(tmp_path, "train", "unlocked", {})
    assert read_record(record.path).state == "running"
    assert read_record(record.path).info["locked"] is False
    record.close("completed")
    assert read_record(record.path).state == "completed"
