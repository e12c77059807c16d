"""kill -9 at any moment: the record is readable, its rows are whole and in order, and at most a second is lost."""

import os
import random
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tipi.records import list_records

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs signals")
TRAIN = """
import sys, time
from tipi.helpers import logger
logger.init()
for step in range(10**6):
    logger.log({"step": step, "loss": 1 / (step + 1)})
    sys.stdout.write(f"{step} {time.time()}\\n")
    sys.stdout.flush()
    time.sleep(1 / RATE)
"""


def kill_after(folder, rate, seconds):
    """Kill a training so long after its first row; return its record, and the rows that it had logged with times."""
    folder.mkdir()
    (folder / "train.py").write_text(TRAIN.replace("RATE", str(rate)))
    with subprocess.Popen(
        [sys.executable, "train.py"],
        cwd=folder,
        env={**os.environ, "TIPI_PLUGINS": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as training:
        first = training.stdout.readline()
        time.sleep(seconds)
        training.kill()
        logged = (first + training.stdout.read()).decode().splitlines(keepends=True)
    (record,) = list_records(folder / "runs")
    pairs = [line.split() for line in logged if line.endswith("\n")]
    return record, [(int(step), float(wall)) for step, wall in pairs]


def assert_little_is_lost(record, logged, most_seconds):
    assert record.state == "crashed"
    rows = list(record.metrics())
    assert [row["values"]["step"] for row in rows] == list(range(len(rows)))
    lost = [wall for step, wall in logged if step >= len(rows)]
    assert not lost or lost[-1] - lost[0] <= most_seconds


def test_twenty_kills_leave_whole_rows_in_order(tmp_path):
    """Four at a time; how much time is lost is measured where nothing else runs, below."""
    with ThreadPoolExecutor(4) as pool:
        kills = pool.map(
            lambda number: kill_after(tmp_path / str(number), (5, 200)[number % 2], random.uniform(0, 0.6)), range(20)
        )
        for record, logged in kills:
            assert_little_is_lost(record, logged, 60)


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("rate", [5, 200])
def test_twenty_kills_lose_at_most_a_second_each(tmp_path, rate):
    for number in range(20):
        record, logged = kill_after(tmp_path / str(number), rate, random.uniform(0, 2.5))
        assert_little_is_lost(record, logged, 1.0)
