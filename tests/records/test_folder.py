"""The folder of a run: its files, their content, and what happens where it cannot be made."""

import json
import sys
import threading

import pytest

from tipi.errors import StorageError
from tipi.records import list_records, read_record
from tipi_core.records import RunRecord
from tipi_core.run import Run


@pytest.fixture
def record(tmp_path):
    record = RunRecord.create(tmp_path / "runs", "train", "20260101T000000Z-abcdef", {"kind": "script"})
    yield record
    record.close("completed")


def names(folder):
    return {file.name for file in folder.iterdir()}


def test_a_new_record_holds_the_documented_files(record):
    assert names(record.path) == {"run.json", "metrics.jsonl", "events.jsonl", "lock"}
    info = json.loads((record.path / "run.json").read_text())
    assert info["format"] == 1
    assert info["state"] == "running"
    assert info["attempt"] == 1
    assert info["kind"] == "script"
    assert {"name", "id", "pid", "host", "started"} <= set(info)


def test_the_runs_folder_keeps_itself_out_of_version_control(record):
    assert (record.path.parent.parent / ".gitignore").read_text() == "*\n"


def test_a_gitignore_of_the_users_own_stays(tmp_path):
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / ".gitignore").write_text("!keep\n")
    RunRecord.create(tmp_path / "runs", "train", "a", {}).close("completed")
    assert (tmp_path / "runs" / ".gitignore").read_text() == "!keep\n"


def test_latest_points_to_the_newest_run_and_is_not_listed_twice(tmp_path):
    for name in ("first", "second"):
        RunRecord.create(tmp_path / "runs", "train", name, {}).close("completed")
    latest = tmp_path / "runs" / "train" / "latest"
    assert latest.resolve().name == "second"
    assert read_record(latest).info["id"] == "second"
    assert [found.path.name for found in list_records(tmp_path / "runs")] == ["second", "first"]


def test_closing_writes_the_final_state_once(record):
    record.close("failed", exit_code=1)
    record.close("completed", exit_code=0)
    found = read_record(record.path)
    assert found.state == "failed"
    assert found.info["exit_code"] == 1
    assert found.info["ended"] >= found.info["started"]
    assert [event["state"] for event in found.events() if event["event"] == "run_ended"] == ["failed"]


def test_rows_events_and_config_are_read_back(record):
    record.append_metrics(b'{"step":0,"values":{"loss":1}}\n{"step":1,"values":{"loss":2}}\n')
    record.event("process_started", name="training")
    record.write_config('seed = 1\nname = "é"\n')
    found = read_record(record.path)
    assert [row["values"]["loss"] for row in found.metrics()] == [1, 2]
    assert [event["event"] for event in found.events()] == ["process_started"]
    assert found.config == 'seed = 1\nname = "é"\n'


def test_what_happens_after_the_end_can_still_be_said(record):
    record.close("completed")
    record.event("cleanup_failed", label="tracker")
    assert [event["event"] for event in read_record(record.path).events()][-1] == "cleanup_failed"


def test_run_json_is_json_for_every_reader_whatever_the_config_holds(record):
    numpy = pytest.importorskip("numpy")
    record.update(config={"lr": float("inf"), "weights": [float("nan")], 3: numpy.float32(0.5), "path": record.path})
    record.event("checkpoint", best=float("-inf"))

    def refuse(name):
        raise AssertionError(f"{name} is no JSON")

    config = json.loads((record.path / "run.json").read_bytes(), parse_constant=refuse)["config"]
    assert config == {"lr": "Infinity", "weights": ["NaN"], "3": 0.5, "path": str(record.path)}
    for line in (record.path / "events.jsonl").read_bytes().splitlines():
        json.loads(line, parse_constant=refuse)


def test_the_record_stays_where_it_is_when_the_training_changes_its_folder(tmp_path, monkeypatch):
    from pathlib import Path

    monkeypatch.chdir(tmp_path)
    record = RunRecord.create(Path("runs"), "train", "a", {})
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    record.close("completed")
    assert read_record(tmp_path / "runs" / "train" / "a").state == "completed"
    assert not list((tmp_path / "elsewhere").iterdir())


def test_two_runs_of_one_second_get_two_folders(tmp_path, monkeypatch):
    monkeypatch.setattr("time.strftime", lambda *_: "20260101T000000Z")
    runs = [Run("train", root=tmp_path) for _ in range(20)]
    paths = {run.open_record().path for run in runs}
    for run in runs:
        run.close("completed")
    assert len(paths) == 20
    assert len(list_records(tmp_path / "runs")) == 20


def test_many_processes_that_start_together_make_a_folder_each(tmp_path):
    import subprocess

    script = "from tipi.helpers import logger; logger.init(mode='disabled'); logger.log({'x': 1})"
    processes = [
        subprocess.Popen([sys.executable, "-c", script], cwd=tmp_path, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        for _ in range(4)
    ]
    for process in processes:
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
    found = list_records(tmp_path / "runs")
    assert len(found) == 4
    assert all(record.state == "completed" and len(list(record.metrics())) == 1 for record in found)


def test_a_run_of_the_same_id_is_refused_and_the_first_is_untouched(tmp_path, record):
    with pytest.raises(StorageError) as caught:
        RunRecord.create(tmp_path / "runs", "train", record.path.name, {})
    assert caught.value.exit_code == 4
    assert read_record(record.path).state == "running"


def test_a_folder_that_cannot_be_made_is_a_storage_error_with_a_way_out(tmp_path):
    (tmp_path / "runs").write_text("a file in the way")
    with pytest.raises(StorageError, match="cannot write the run's record") as caught:
        RunRecord.create(tmp_path / "runs", "train", "a", {})
    assert "TIPI_RUNS" in caught.value.hint
    assert str(tmp_path / "runs") in caught.value.where


def test_a_record_that_fails_half_made_is_not_left_behind(tmp_path):
    class Unreadable:
        def __str__(self):
            raise OSError(28, "No space left on device")

    with pytest.raises(StorageError):
        RunRecord.create(tmp_path / "runs", "train", "a", {"odd": Unreadable()})
    assert not (tmp_path / "runs" / "train" / "a").exists()
    RunRecord.create(tmp_path / "runs", "train", "a", {}).close("completed")


def test_a_script_that_cannot_keep_a_record_says_so_once_and_goes_on(python, tmp_path):
    (tmp_path / "runs").write_text("a file in the way")
    script = "from tipi.helpers import logger\nfor i in range(3): logger.log({'x': i})\nprint('trained')"
    done = python("-c", script)
    assert done.code == 0
    assert done.out == "trained\n"
    assert done.err.count("no record of this run") == 1


def test_several_threads_write_whole_lines(record):
    def write(number):
        for count in range(200):
            record.append_metrics(json.dumps({"step": count, "values": {"thread": number}}).encode() + b"\n")

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rows = list(read_record(record.path).metrics())
    assert len(rows) == 800
    assert (record.path / "metrics.jsonl").read_bytes().count(b"\n") == 800


@pytest.mark.parametrize("content", ["", "[]", "{", "\0\0\0", "3"])
def test_a_folder_without_a_readable_run_json_is_no_record(record, content):
    from tipi.errors import TipiError

    (record.path / "run.json").write_text(content)
    with pytest.raises(TipiError, match="no record"):
        read_record(record.path)
    assert list_records(record.path.parent.parent) == []


def test_odd_entries_of_a_record_from_elsewhere_do_not_stop_the_listing(tmp_path):
    for name, info in {"a": {"started": "yesterday"}, "b": {"started": 5, "state": 7}, "c": {}}.items():
        folder = tmp_path / "runs" / "train" / name
        folder.mkdir(parents=True)
        (folder / "run.json").write_text(json.dumps(info))
    assert {record.path.name: record.state for record in list_records(tmp_path / "runs")} == {
        "a": "?",
        "b": "7",
        "c": "?",
    }
