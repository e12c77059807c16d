"""``tipi runs``: listing, showing, comparing, exporting and deleting records."""

import csv
import io
import json
import math
import re
import sys
import time
from importlib.util import find_spec

import pytest

from tests.docs.screen import lines_of, run_on_terminal
from tipi_core.cli.runs_export import one_type
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


def on_terminal(folder, columns, *words):
    """Return the lines on a terminal so wide."""
    code, screen = run_on_terminal([sys.executable, "-m", "tipi", *words], folder, columns=columns)
    lines = [text.plain.rstrip() for text in lines_of(screen)]
    assert code == 0, lines
    return [line for line in lines if line]


@pytest.mark.parametrize(("columns", "more"), [(60, ["took"]), (200, ["started", "took"])])
def test_a_run_is_one_line_on_a_terminal_of_any_width(three, tmp_path, columns, more):
    head, *rows = on_terminal(tmp_path, columns, "runs")
    assert head.split() == ["id", "name", "state", *more, "best"]
    assert [row.split()[0] for row in rows] == [folder.name[-6:] for folder in reversed(three)]
    assert all("loss=" in row for row in rows)


@pytest.mark.parametrize("columns", [60, 200])
def test_no_number_is_broken_on_a_terminal_of_any_width(three, tmp_path, columns):
    lines = on_terminal(tmp_path, columns, "runs", "show", "latest~1", "--no-curves")
    (loss,) = [line.split() for line in lines if line.strip().startswith("loss ")]
    assert {"0.05", "█▃▂▁▁"} <= set(loss)
    lines = on_terminal(tmp_path, columns, "runs", "diff", "latest~2", "latest~1")
    assert any(line.split() == ["loss", "0.1", "0.05", "-0.05", "(-50.0%)"] for line in lines)


def test_best_leaves_out_what_only_counts_and_begins_with_what_was_checked(tmp_path, python, cli):
    (tmp_path / "train.py").write_text(
        "from tipi.helpers import logger\nfor n in range(3):\n"
        "    logger.log({'loss': 3 - n, 'epoch': n, 'global_step': n, 'opt/lr-Adam': n, 'val/acc': n})\n"
    )
    done = python("train.py", TIPI_PLUGINS="")
    assert cli("runs").out.rstrip().endswith("  val/acc=2 loss=1")
    closing = {line.split()[1]: line.split()[2:-1] for line in done.err.splitlines() if "▁" in line}
    assert closing["loss"] == ["3", "1", "1"]
    assert closing["epoch"] == ["0", "2"]
    info = _info(tmp_path / "runs" / "train" / "latest")
    assert info["metrics"]["epoch"]["best"] is None
    assert info["metrics"]["val/acc"]["best"] == 2


def test_a_run_that_crashed_or_goes_on_shows_its_last_values(tmp_path, cli):
    record = RunRecord.create(tmp_path / "runs", "train", "20260101T000000Z-000001", {})
    for step in range(3000):
        record.append_metrics(b'{"step":%d,"values":{"loss":%d,"other":"text"}}\n' % (step, step))
    record.append_metrics(b'{"step":3000,"val')
    assert cli("runs").out.rstrip().endswith("loss=2999 other=text")
    assert json.loads(cli("runs", "--where", "loss>2000", "--json").out)[0]["state"] == "running"
    record.close("completed")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--where", "loss<0"], "none of 3 runs fits"),
        (["--where", "lss<1"], "no run has a metric or setting 'lss', did you mean 'loss'?"),
        (["trian"], "no runs are called 'trian', did you mean 'train'?"),
        (["--state", "crashed"], "none of 3 runs fits"),
        (["--runs", "empty"], "no runs in empty"),
    ],
)
def test_a_list_without_runs_says_why(three, cli, words, said):
    done = cli("runs", "list", *words)
    assert (done.code, done.out, done.last_line) == (0, "", said)


def test_a_state_that_no_run_can_have_is_bad_input(three, cli):
    for command in ("list", "gc"):
        done = cli("runs", command, "--state", "faild")
        assert done.code == 2
        assert "did you mean 'failed'?" in done.last_line


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


def test_show_tells_which_checkpoints_there_are_and_what_each_is(three, cli):
    folder = three[2] / "checkpoints"
    for step, size in ((7, 10), (20, 2000), (120, 5)):
        (folder / f"step-{step:08}").mkdir(parents=True)
        (folder / f"step-{step:08}" / "state.pt").write_bytes(b"x" * size)
        (folder / f"step-{step:08}" / "manifest.json").write_text(json.dumps({"size": size if step < 100 else 9}))
    (folder / "step-00000007" / "manifest.json").unlink()
    for mark, step in (("best", 20), ("finite", 20), ("last", 120)):
        (folder / mark).write_text(f"step-{step:08}\n")
    lines = cli("runs", "show", "latest").out.splitlines()
    rows = [" ".join(line.split()) for line in lines if line.startswith("step-")]
    assert rows == [
        "step-00000007 damaged: a file is missing or no manifest 10 B",
        "step-00000020 best, finite 2.0 kB",
        "step-00000120 last, damaged: 5 of 9 bytes 5 B",
    ]
    shown = json.loads(cli("runs", "show", "latest", "--json").out)["checkpoints"]
    assert shown[1] == {"name": "step-00000020", "marks": ["best", "finite"], "size": 2000, "problem": None}


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


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("train", "train/latest is the newest of that name"),
        ("trian/latest", "did you mean 'train'?"),
        ("train/zzz", "the newest are: 2"),
    ],
)
def test_an_id_that_fits_none_is_met_with_what_may_have_been_meant(three, cli, word, hint):
    assert hint in cli("runs", "show", word).last_line


def test_a_run_is_found_by_the_link_to_the_latest_and_deleted_as_what_it_is(three, cli):
    assert cli("runs", "rm", "runs/train/latest").code == 0
    assert [folder.exists() for folder in three] == [True, True, False]


def test_diff_tells_code_that_was_not_committed_by_its_files(tmp_path, cli):
    for number, lines in enumerate((["+a", "-b", "+c"], ["+a"])):
        record = RunRecord.create(tmp_path / "runs", "train", f"20260101T00000{number}Z-00000{number}", {})
        patch = ["diff --git a/net.py b/net.py", "--- a/net.py", "+++ b/net.py", "@@ -1 +1,2 @@", *lines]
        (record.path / "changes.patch").write_text("\n".join(patch) + "\n")
        record.update(git={"commit": f"abc{number}", "dirty": True})
        record.close("completed")
    done = cli("runs", "diff", "latest~1", "latest")
    assert ["changed net.py", "+2 -1", "+1 -0"] in [re.split("  +", line) for line in done.out.splitlines()]
    assert done.out.rstrip().endswith("git diff abc0 abc1")


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


def test_export_writes_json_and_says_what_is_missing_or_in_the_way(three, cli):
    rows = json.loads(cli("runs", "export", "latest", "--json").out)
    assert [(row["step"], row["loss"], row["loop"]) for row in rows][:2] == [(0, 1.0, "Epochs=0"), (1, 0.5, "Epochs=1")]
    assert cli("runs", "export", "-o", "nowhere/rows.csv").code == 4
    parquet = cli("runs", "export", "-o", "rows.parquet")
    if find_spec("pyarrow") is None:
        assert (parquet.code, "pip install pyarrow" in parquet.last_line) == (2, True)
    else:
        import pyarrow.parquet

        assert pyarrow.parquet.read_table(three[0].parents[2] / "rows.parquet").num_rows == 5


def test_a_column_of_parquet_has_one_type():
    nan = one_type([1, "NaN", None, 2.5, True])
    assert math.isnan(nan.pop(1))
    assert nan == [1.0, None, 2.5, 1.0]
    assert one_type([1, 2, None]) == [1, 2, None]
    assert one_type([True, None]) == [True, None]
    assert one_type(["Infinity", "NaN"])[0] == math.inf
    assert one_type([1, "a", "NaN"]) == ["1", "a", "NaN"]
    assert one_type([None, None]) == [None, None]


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
    gone = json.loads(cli("runs", "gc", "--keep", "0", "--dry-run", "--json").out)
    assert [(run["path"], run["deleted"]) for run in gone] == [(str(three[2]), False)]
    assert three[2].exists()


def test_gc_takes_no_run_for_old_whose_start_is_unknown(tmp_path, cli):
    for number, started in enumerate(('"yesterday"', "null", "1.0", "1e300")):
        folder = tmp_path / "runs" / "train" / f"20260101T000000Z-00000{number}"
        folder.mkdir(parents=True)
        (folder / "run.json").write_text(f'{{"state": "completed", "started": {started}}}')
    gone = json.loads(cli("runs", "gc", "--older", "30", "--json").out)
    assert [run["path"][-1] for run in gone] == ["2"]
    assert cli("runs").code == 0


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
