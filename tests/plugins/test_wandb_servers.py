"""W&B servers in every state, and trainings and relays that are killed: each row arrives exactly once.

The real client talks to a server on this machine that counts what it gets.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest

from tests.plugins.conftest import wait_for
from tests.plugins.test_wandb import SYNC, assert_same_rows, status
from tipi.records import read_record
from tipi_plugins.wandb.ladder import is_installed

if not is_installed():
    pytest.skip("needs wandb", allow_module_level=True)

TWO_HALVES = """
logger.summary
print("ready", flush=True)
import time
from pathlib import Path
while not Path("go").exists():
    time.sleep(0.02)
for i in range(60):
    logger.log({"late": i})
"""
QUICK = {"x_file_stream_retry_wait_min_seconds": 0.1, "x_file_stream_retry_wait_max_seconds": 0.2}
SHORT = {"TIPI_WANDB_SECONDS": "3"}


def rows_of(server, run):
    return [server.rows[run][offset] for offset in sorted(server.rows[run])]


def assert_all_arrived(server, record, code=0):
    (run,) = server.runs
    assert sorted(server.rows[run]) == list(range(len(server.rows[run])))
    assert_same_rows(rows_of(server, run), record)
    assert server.exit_codes[run] == code


@pytest.fixture
def catch_up(python, server):
    """Run ``tipi runs sync`` on the last run."""

    def run(code=0):
        done = python("-c", SYNC, "latest", **server.environment)
        assert done.code == code, done.err
        return done.out

    return run


@pytest.fixture(params=["begun", pytest.param("rows", marks=pytest.mark.long)])
def reached(request, server, record):
    """Wait until the server knows of the run, or has rows of it: wandb sends them every 15 seconds."""

    def wait():
        wait_for(lambda: status(record()).get("state") == "running" and (request.param == "begun" or server.count()))

    return wait


@pytest.fixture
def two_halves(script, tmp_path):
    """Write a training that logs 60 rows, waits for a file, and logs 60 more."""
    text = script(TWO_HALVES).read_text()
    (tmp_path / "train.py").write_text(text.replace("entity=", f"settings={QUICK}, entity="))


# From the start


@pytest.mark.parametrize("mode", [401, 500, "hang"])
def test_a_server_that_lets_nobody_in_costs_nothing_and_gets_everything_later(
    python, script, record, server, catch_up, mode
):
    server.mode = mode
    start = time.monotonic()
    done = python(script(), **server.environment, **SHORT)
    assert time.monotonic() - start < 60  # wandb itself would wait for 90 seconds or more
    assert done.code == 0, done.err
    assert "Traceback" not in done.err
    assert done.err.count(f"catch up with: tipi runs sync runs/train/{record().name}") == 1
    assert len(list(read_record(record()).metrics())) == 60
    wait_for(lambda: status(record()).get("state") == "failed")
    assert not server.rows
    server.mode = "ok"
    catch_up()
    assert_all_arrived(server, record())


def test_a_slow_server_gets_everything_and_delays_no_row_of_the_record(python, script, record, server):
    server.mode = 0.3
    done = python(script("print(sum(1 for _ in open(logger.run.path / 'metrics.jsonl')))"), **server.environment)
    assert done.code == 0, done.err
    wait_for(lambda: status(record()).get("state") == "done")
    assert_all_arrived(server, record())


def test_the_page_is_shown_while_the_training_still_runs(two_halves, background, server, tmp_path):
    training = background(**server.environment)
    lines = iter(training.stderr.readline, "")
    page = next(line for line in lines if "/runs/" in line and "W&B: http" in line)
    (run,) = server.runs
    assert page.strip() == f"tipi: W&B: {server.environment['WANDB_BASE_URL']}/my_team/my_research/runs/{run}"
    assert training.poll() is None
    (tmp_path / "go").touch()
    training.communicate(timeout=60)


# In mid-run


@pytest.mark.parametrize("mode", [500, "hang", "gone"])
def test_a_server_that_comes_back_in_mid_run_gets_each_row_once(
    two_halves, background, record, server, reached, tmp_path, mode
):
    training = background(**server.environment)
    reached()
    server.fail(mode)
    (tmp_path / "go").touch()
    asked = server.asked
    wait_for(lambda: read_record(record()).info.get("rows") == 120 or server.asked > asked or mode == "gone")
    server.recover()
    _, err = training.communicate(timeout=100)
    assert training.returncode == 0, err
    wait_for(lambda: status(record())["state"] == "done")
    assert_all_arrived(server, record())


@pytest.mark.parametrize("mode", [401, "hang", "gone"])
def test_a_server_that_stays_away_in_mid_run_costs_no_row(
    two_halves, background, record, server, reached, catch_up, tmp_path, mode
):
    training = background(**server.environment, **SHORT)
    reached()
    server.fail(mode)
    (tmp_path / "go").touch()
    _, err = training.communicate(timeout=100)
    assert training.returncode == 0, err
    assert err.count("catch up with") == 1
    assert len(list(read_record(record()).metrics())) == 120
    wait_for(lambda: status(record())["state"] == "failed")
    server.recover()
    catch_up()
    catch_up()
    assert_all_arrived(server, record())


# Killed


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_training_that_is_killed_ends_its_run_with_every_row(two_halves, background, record, server, reached, number):
    training = background(**server.environment)
    reached()
    training.send_signal(number)
    training.wait()
    wait_for(lambda: status(record()).get("state") == "done")
    assert read_record(record()).state == "crashed"
    assert_all_arrived(server, record(), code=1)


def test_a_relay_whose_training_and_server_are_gone_ends_by_itself(two_halves, background, record, server, reached):
    training = background(**server.environment, **SHORT)
    reached()
    with open(f"/proc/{training.pid}/task/{training.pid}/children") as file:
        (relay,) = (int(word) for word in file.read().split())
    server.fail("hang")
    training.kill()
    training.wait()
    wait_for(lambda: not is_running(relay), seconds=30)
    assert status(record())["state"] == "failed"


def is_running(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_a_sync_that_is_killed_again_and_again_sends_each_row_once(python, script, record, server, catch_up):
    python(script("for i in range(3000): logger.log({'n': i})"), WANDB_MODE="disabled")
    kept = record() / "wandb"
    kept.mkdir()
    (kept / "settings.json").write_text(json.dumps({"id": record().name, "project": "p", "settings": QUICK}))
    environment = {**os.environ, **server.environment}
    for _ in range(3):
        server.mode = 0.2
        before = server.asked
        with subprocess.Popen(
            [sys.executable, "-c", SYNC, "latest"], env=environment, cwd=record().parents[2], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        ) as sync:  # fmt: skip
            wait_for(lambda before=before: server.asked >= before + random.randint(3, 12))
            os.killpg(sync.pid, signal.SIGKILL)
        server.mode = "ok"
    catch_up()
    catch_up()
    assert len(rows_of(server, *server.runs)) == 3060
    assert_all_arrived(server, record())


# Resumed


def test_a_run_that_goes_on_in_another_record_keeps_the_rows_of_both(python, script, tmp_path, server, catch_up):
    text = script("").read_text().replace("entity=", 'id="mine", resume="allow", entity=')
    for _ in range(2):
        (tmp_path / "train.py").write_text(text)
        done = python("train.py", **server.environment)
        assert done.code == 0, done.err
    catch_up()
    assert list(server.runs) == ["mine"]
    rows = rows_of(server, "mine")
    assert [row["_step"] for row in rows] == list(range(120))
    assert [row["acc.top1"] for row in rows] == [*range(60), *range(60)]
    assert not any("step" in row for row in rows)
