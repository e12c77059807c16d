"""Damaged, foreign and half-made records: every command goes on with what can be read, and says what cannot."""

import json
import os
import threading

import pytest

from tipi.records import list_records, read_record
from tipi_core.records.writer import RunRecord

LINES = b"""{"step":3,"values":{"loss":1}}
{{{{garbage
\xff\xfe
[1,2]
{"values":3}
{"step":"x","values":{"loss":2}}
{"step":5,"loop":[["a"]],"time":"q","values":{"loss":5}}
{"step":6,"loop":7,"values":[1]}
{"step":6,"values":{"loss":NaN}}
{"step":7,"values":{"loss":7}}
{"step":8,"values":{"loss":1%s}}
{"step":9,"val""" % (b"0" * 400)
WRONG = {
    "state": 5, "started": "x", "seconds": [1], "metrics": {"loss": {"best": {"x": [1]}}, "a": 3}, "summary": 7,
    "config": [1], "git": 5, "command": "x", "packages": {"a": [1]}, "error": {"a": 1}, "pid": "x", "host": 3,
}  # fmt: skip


@pytest.fixture
def runs(tmp_path):
    """Two good runs, and one whose files all hold nonsense, begun in the same second."""
    for number in range(3):
        record = RunRecord.create(tmp_path / "runs", "train", f"20260101T000000Z-00000{number}", {})
        record.append_metrics(b'{"step":0,"values":{"loss":1}}\n')
        record.close("completed")
    damaged = tmp_path / "runs" / "train" / "20260101T000000Z-000001"
    (damaged / "run.json").write_text(json.dumps(WRONG))
    (damaged / "metrics.jsonl").write_bytes(LINES)
    (damaged / "config.toml").write_bytes(b"\xff\xfe[x")
    (damaged / "events.jsonl").write_bytes(b'{"event":5}\n{"event":"process_finished","name":null,"seconds":"x"}\nx\n')
    return tmp_path / "runs"


@pytest.mark.parametrize(
    "words",
    [
        ["runs", "-n", "0"],
        ["runs", "--json"],
        ["runs", "list", "--where", "loss<3"],
        ["runs", "show", "000001"],
        ["runs", "show", "000001", "--json"],
        ["runs", "diff", "000001", "000002"],
        ["runs", "diff", "000001", "000002", "--json"],
        ["runs", "export", "000001"],
        ["runs", "export", "000001", "--json"],
        ["runs", "plot", "loss", "000001", "--html", "loss.html", "--svg", "loss.svg"],
        ["runs", "gc", "--keep", "0", "--dry-run"],
    ],
    ids=" ".join,
)
def test_no_command_stumbles_over_nonsense_in_a_record(runs, cli, words):
    done = cli(*words)
    assert done.code == 0, done.err
    assert "Traceback" not in done.err


def test_rows_between_damaged_ones_are_read(runs):
    record = read_record(runs / "train" / "20260101T000000Z-000001")
    steps = [row.get("step") for row in record.metrics()]
    assert steps == [3, None, "x", 5, 6, 6, 7, 8]
    series = record.series("loss")
    assert list(series.steps) == [3, 6, 7, 8]
    assert series.values[1] != series.values[1]
    assert series.values[3] == float("inf")
    assert record.metric_names() == ["loss"]


def test_a_record_that_cannot_be_read_is_named_passed_over_and_can_be_deleted(runs, cli):
    folder = runs / "train" / "20260101T000000Z-000001"
    (folder / "run.json").write_text('{"state": "comp')
    os.utime(folder, (1, 1))
    done = cli("runs")
    assert len(done.out.splitlines()) == 3
    assert done.last_line == f"no readable run.json in {folder}"
    assert json.loads(cli("runs", "show", "latest~1", "--json").out)["id"].endswith("000000")
    assert "there are only 2 runs" in cli("runs", "show", "latest~2").last_line
    assert "no record in" in cli("runs", "show", "000001").last_line
    assert cli("runs", "rm", "000001").code == 0
    assert not folder.exists()


def test_links_and_strange_files_are_no_records(runs, cli):
    (runs / "train" / "loop").symlink_to(".")
    (runs / "around").symlink_to("train")
    (runs / "train" / "nowhere").symlink_to("/nonexistent")
    (runs / "file").touch()
    (runs / "train" / "file").touch()
    done = cli("runs")
    assert (len(done.out.splitlines()), done.err) == (4, "")


def test_deleting_goes_on_where_it_was_cut_short(runs, cli):
    left = runs / "train" / ".deleted-20260101T000000Z-00000f"
    left.mkdir()
    (left / "big").write_bytes(b"x")
    assert len(list_records(runs)) == 3
    assert cli("runs", "rm", "000002").code == 0
    assert not left.exists()
    assert (runs / "train" / "latest").resolve().name.endswith("000001")


def test_records_are_listed_while_others_are_made_and_deleted(tmp_path):
    """No error, and no record that is half there."""
    import shutil

    over = threading.Event()

    def work():
        for number in range(100):
            record = RunRecord.create(tmp_path, "train", f"20260101T000000Z-{number:06}", {"note": "x" * 5000})
            record.close("completed")
            shutil.rmtree(record.path) if number % 2 else None
        over.set()

    thread = threading.Thread(target=work)
    thread.start()
    while not over.is_set():
        assert all(record.info["note"] == "x" * 5000 for record in list_records(tmp_path))
    thread.join()
    assert len(list_records(tmp_path)) == 50


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_folders_without_rights_are_said(runs, cli):
    folder = runs / "train" / "20260101T000000Z-000002"
    folder.chmod(0)
    try:
        assert "no readable run.json" in cli("runs").last_line
    finally:
        folder.chmod(0o700)
