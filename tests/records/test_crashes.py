"""What a crash may cost: never a half file, never a half line, whole rows up to the last one."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tipi.records import read_record
from tipi_core.records.atomic import append_lines, replace_file, whole_lines

ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "step": st.integers(0, 10**6),
            "values": st.dictionaries(
                st.text(max_size=5), st.floats(allow_nan=False) | st.text(max_size=5), max_size=3
            ),
        }
    ),
    max_size=6,
)


def make_record(folder, metrics):
    (folder / "run.json").write_text('{"state": "completed"}')
    (folder / "metrics.jsonl").write_bytes(metrics)
    return read_record(folder)


@settings(deadline=None, database=None)
@given(rows=ROWS, cut=st.integers(0, 10**6))
def test_a_file_torn_anywhere_gives_the_whole_rows_before_the_tear(rows, cut):
    lines = [json.dumps(row).encode() + b"\n" for row in rows]
    torn = b"".join(lines)[: cut % (sum(map(len, lines)) + 1)]
    with tempfile.TemporaryDirectory() as folder:
        found = list(make_record(Path(folder), torn).metrics())
    assert found == rows[: torn.count(b"\n")]


@settings(deadline=None, database=None)
@given(rows=ROWS, junk=st.binary(max_size=20), place=st.integers(0, 6))
def test_a_line_of_junk_costs_no_row_but_itself(rows, junk, place):
    junk = junk.replace(b"\n", b"").replace(b"\r", b"") + b"\0"
    lines = [json.dumps(row).encode() for row in rows]
    lines.insert(place % (len(lines) + 1), junk)
    with tempfile.TemporaryDirectory() as folder:
        found = list(make_record(Path(folder), b"\n".join(lines) + b"\n").metrics())
    assert found == rows


@given(data=st.binary(max_size=50))
def test_whole_lines_is_a_prefix_that_ends_with_a_line(data):
    whole = whole_lines(data)
    assert data.startswith(whole)
    assert whole == b"" or whole.endswith(b"\n")
    assert b"\n" not in data[len(whole) :]


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path):
    """A process replaces a file until it is killed; a reader sees no half one, and none is left behind."""
    code = """
from pathlib import Path
from tipi_core.records.atomic import replace_file
count = 0
while True:
    count += 1
    replace_file(Path("run.json"), str(count).encode() * 50_000)
    if count == 1:
        print("ready", flush=True)
"""
    process = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    seen = set()
    while len(seen) < 20:
        seen.add(assert_whole((tmp_path / "run.json").read_text()))
    process.kill()
    process.communicate()
    assert_whole((tmp_path / "run.json").read_text())


def assert_whole(text):
    number = text[: len(text) // 50_000]
    assert text == number * 50_000
    return number


def test_a_replacement_that_fails_leaves_the_old_file_and_no_draft(tmp_path):
    target = tmp_path / "run.json"
    target.mkdir()
    (target / "inside").touch()
    with pytest.raises(IsADirectoryError):
        replace_file(target, b"new")
    assert [file.name for file in tmp_path.iterdir()] == ["run.json"]


FULL_DISK = """
import os, resource, sys
from pathlib import Path
from tipi.helpers import logger

def flush():
    logger.summary

path = logger.init(mode="disabled").path / "metrics.jsonl"
logger.log({"x": 0})
flush()
limit = path.stat().st_size + ROOM
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
for x in range(1, 101):
    logger.log({"x": x})
    if x % 10 == 0:
        flush()
print("full", path.stat().st_size <= limit, path.read_bytes().endswith(b"\\n"))
FREED and resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
print("trained")
"""


@pytest.mark.parametrize("room", [0, 10, 2500])
def test_a_full_disk_costs_nothing_once_there_is_room_again(python, tmp_path, room):
    done = python("-c", FULL_DISK.replace("ROOM", str(room)).replace("FREED", "True"))
    assert done.code == 0, done.err
    assert done.out == "full True True\ntrained\n"
    assert done.err.count("cannot be written now") == 1
    record = read_record(next((tmp_path / "runs").glob("*/latest")))
    assert [row["values"]["x"] for row in record.metrics()] == list(range(101))
    assert "rows_lost" not in record.info


def test_a_disk_that_stays_full_costs_the_last_rows_and_says_how_many(python, tmp_path):
    done = python("-c", FULL_DISK.replace("ROOM", "5000").replace("FREED", "False"))
    assert done.code == 0, done.err
    assert done.out == "full True True\ntrained\n"
    record = read_record(next((tmp_path / "runs").glob("*/latest")))
    rows = [row["values"]["x"] for row in record.metrics()]
    assert rows == list(range(len(rows)))
    assert record.info["rows_lost"] == 101 - len(rows) > 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_device_without_space_is_an_error_and_not_a_half_line():
    descriptor = os.open("/dev/full", os.O_WRONLY | os.O_APPEND)
    try:
        with pytest.raises(OSError, match="No space"):
            append_lines(descriptor, b"{}\n")
    finally:
        os.close(descriptor)
