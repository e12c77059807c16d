"""``tipi runs``: listing, showing, comparing, exporting and deleting records."""

import csv
import io
import json
import time

import pytest

from tipi_core.records.writer import RunRecord

TRAIN = """
import sys
from tipi.helpers import logger, progress_bar
logger.init(mode="disabled", config={"lr": float(sys.argv[1]), "api_key": "abc"})
for epoch in progress_bar(range(5), desc="Epochs"):
    logger.log({"loss": float(sys.argv[1]) / (epoch + 1), "acc": epoch})
if len(sys.argv) > 2:
    raise ValueError("too steep")
"""


@pytest.fixture
def three(tmp_path, python):
    """Three runs of one script, the last of which failed."""
    (tmp_path / "train.py").write_text(TRAIN)
    for words in (["0.5"], ["0.25"], ["1.0", "fail"]):
        python("train.py", *words, TIPI_PLUGINS="")
    return sorted((tmp_path / "runs" / "train").glob("2*"), key=lambda folder: _info(folder)["started"])


def _info(folder):
    return json.loads((folder / "run.json").read_text())


def test_runs_lists_newest_first_with_state_and_best_metrics(three, cli):
    done = cli("runs")
    assert done.code == 0, done.err
    head, *rows = done.out.splitlines()
    assert head.split() == ["id", "name", "state", "started", "took", "best"]
    assert [row.split()[0] for row in rows] == [folder.name for folder in reversed(three)]
    assert [row.split()[2] for row in rows] == ["failed", "completed", "completed"]
    assert rows[1].endswith("loss=0.05 acc=4")


def test_runs_are_filtered_by_name_state_and_values(three, cli):
    listed = json.loads(cli("runs", "list", "train", "--state", "completed", "--json").out)
    assert [run["metrics"]["loss"] for run in listed] == [0.05, 0.1]
    chosen = json.loads(cli("runs", "--where", "loss<0.08", "--where", "lr=0.25", "--json").out)
    assert [run["id"] for run in chosen] == [three[1].name]
    assert json.loads(cli("runs", "list", "other", "--json").out) == []
    assert "no comparison" in cli("runs", "--where", "loss").last_line


def test_show_tells_config_outcome_and_metrics_with_curves(three, cli):
    done = cli("runs", "show", "latest")
    assert done.code == 0, done.err
    assert "failed" in done.out.splitlines()[0]
    assert "ValueError: too steep" in done.out
    assert "********" in done.out
    assert "abc" not in done.out
    (loss,) = [line for line in done.out.splitlines() if line.startswith("loss ")]
    assert loss.split() == ["loss", "1", "0.2", "0.2", "1", "5", "█▃▂▁▁"]


@pytest.mark.parametrize(("word", "place"), [("latest", 2), ("latest~1", 1), ("latest~2", 0), ("train/latest", 2)])
def test_ids_count_back_from_the_latest(three, cli, word, place):
    shown = json.loads(cli("runs", "show", word, "--json").out)
    assert shown["id"] == three[place].name


def test_ids_are_found_by_their_beginning_or_their_digits(three, cli):
    digits = three[1].name.rpartition("-")[2]
    for word in (digits[:5], three[1].name, three[1]):
        assert json.loads(cli("runs", "show", word, "--json").out)["id"] == three[1].name


def test_an_id_that_fits_none_or_several_is_an_error_that_says_so(three, cli):
    assert cli("runs", "show", "zzz").code == 2
    several = cli("runs", "show", three[0].name[:3])
    assert several.code == 2
    assert "names 3 runs" in several.last_line
    assert cli("runs", "show", "latest~7").last_line.startswith("tipi: error[usage]: there are only 3 runs")


def test_diff_shows_only_what_differs(three, cli):
    differing = json.loads(cli("runs", "diff", "latest~2", "latest~1", "--json").out)
    assert differing["config"] == {"lr": [0.5, 0.25]}
    assert differing["metric"] == {"loss": [0.1, 0.05]}
    assert differing["packages"] == {}
    assert "0.25" in cli("runs", "diff", "latest~2", "latest~1").out


def test_export_writes_one_row_for_each_log_call(three, cli):
    rows = list(csv.DictReader(io.StringIO(cli("runs", "export", "latest~2", "latest~1").out)))
    assert len(rows) == 10
    assert [float(row["loss"]) for row in rows[:5]] == pytest.approx([0.5 / (epoch + 1) for epoch in range(5)])
    assert rows[2]["loop"] == "Epochs=2"
    assert rows[0]["run"] == three[0].name


def test_rm_asks_nothing_but_shows_first_and_moves_latest_on(three, cli):
    dry = cli("runs", "rm", "latest", "--dry-run")
    assert "would delete" in dry.out
    assert three[2].exists()
    assert cli("runs", "rm", "latest").code == 0
    assert not three[2].exists()
    assert (three[0].parent / "latest").resolve() in three[:2]


def test_gc_keeps_the_newest_and_needs_a_rule(three, cli):
    assert cli("runs", "gc").code == 2
    assert cli("runs", "gc", "--keep", "1").code == 0
    assert [folder.exists() for folder in three] == [False, False, True]


def test_a_running_run_is_not_deleted(tmp_path, cli):
    record = RunRecord.create(tmp_path / "runs", "train", "20260101T000000Z-000001", {})
    done = cli("runs", "rm", "latest")
    assert done.code == 4
    assert record.path.exists()
    assert "0 runs" in cli("runs", "gc", "--keep", "0").out
    record.close("completed")


def test_a_record_cannot_steer_the_terminal(tmp_path, cli):
    record = RunRecord.create(tmp_path / "runs", "train", "20260101T000000Z-000001", {"config": {"x": "\x1b[31mred"}})
    record.append_metrics(b'{"step":0,"time":0,"wall":0,"loop":[],"values":{"\\u001b[2Jloss":1}}\n')
    record.close("failed", error="\x1b]0;title\x07")
    assert "\x1b" not in cli("runs", "show").out


@pytest.mark.long
def test_ten_thousand_records_are_listed_in_a_second(tmp_path, cli):
    metrics = {"loss": {"first": 1.0, "last": 0.5, "min": 0.5, "max": 1.0, "best": 0.5, "rows": 100}}
    for number in range(10_000):
        folder = tmp_path / "runs" / "train" / f"20260101T000000Z-{number:06x}"
        folder.mkdir(parents=True)
        info = {"id": folder.name, "state": "completed", "started": number, "seconds": 3.0, "metrics": metrics}
        (folder / "run.json").write_text(json.dumps(info, indent=2))
    start = time.perf_counter()
    done = cli("runs")
    print("seconds:", time.perf_counter() - start)
    assert len(done.out.splitlines()) == 32
