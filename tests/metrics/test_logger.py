"""``logger`` in one process: rows, steps, config, warnings, observers."""

import argparse
import copy
import json
import math
import pickle
import threading

import pytest

from tipi.helpers import logger, progress_bar
from tipi.plugin import hookimpl
from tipi.records import list_records, read_record
from tipi_core.errors import RunInterrupted, StorageError
from tipi_core.metrics import observing
from tipi_core.metrics import stream as stream_room
from tipi_core.metrics.stream import MetricStream

LAST_METRIC = """
import os, pty, re
from tipi.helpers import logger, progress_bar
screen, terminal = pty.openpty()
with open(terminal, "w") as stream:
    for number in progress_bar(range(10), desc="Training", file=stream):
        logger.log({"loss": number})
os.set_blocking(screen, False)
shown = b""
try:
    while data := os.read(screen, 65536):
        shown += data
except OSError:  # that is all
    pass
lines = re.sub(r"\\x1b\\[[0-9;]*[mK]", "", shown.decode()).splitlines()
print([line for line in lines if "10/10" in line][-1])
"""


def test_log_without_init_leaves_a_record(run, rows):
    logger.log({"loss": 0.5})
    logger.log({"loss": 0.25, "note": "better"})
    first, second = rows()
    assert [first["step"], second["step"]] == [0, 1]
    assert second["values"] == {"loss": 0.25, "note": "better"}
    assert 0 <= first["time"] <= second["time"]
    assert first["wall"] <= second["wall"]


def test_rows_carry_the_position_of_the_open_bars(run, rows):
    for _ in progress_bar(range(2), desc="epoch", disable=False):
        for _ in progress_bar(range(3), desc="batch"):
            logger.log({"loss": 1.0})
        logger.log({"epoch_loss": 1.0})
    positions = [[tuple(loop) for loop in row["loop"]] for row in rows()]
    assert positions[0] == [("epoch", 0), ("batch", 0)]
    assert positions[2] == [("epoch", 0), ("batch", 2)]
    assert positions[3] == [("epoch", 0)]
    assert positions[4] == [("epoch", 1), ("batch", 0)]


def test_a_step_given_moves_the_counter_on(run, rows):
    logger.log({"a": 1}, step=10)
    logger.log({"a": 2})
    assert [row["step"] for row in rows()] == [10, 11]


def test_values_held_back_go_into_the_next_row(run, rows):
    logger.log({"loss": 1.0}, commit=False)
    logger.log({"loss": 2.0, "acc": 3.0})
    logger.log({"last": 4.0}, commit=False)
    assert [row["values"] for row in rows()] == [{"loss": 2.0, "acc": 3.0}, {"last": 4.0}]


def test_a_value_that_cannot_be_logged_is_said_once_and_costs_only_itself(run, rows, capsys):
    for _ in range(3):
        logger.log({"loss": 1.0, "history": [1, 2]})
    assert [row["values"] for row in rows()] == [{"loss": 1.0}] * 3
    assert capsys.readouterr().err.count("'history' is left out: a list is no number") == 1


def test_odd_keys_and_broken_text_do_not_stop_the_rows_behind_them(run, rows):
    logger.log({None: 1, 2: 2})
    logger.log({"file": "caf\udce9"})
    logger.summary  # noqa: B018 - it writes what is queued
    logger.log({"loss": 1.0})
    assert [row["values"] for row in rows()] == [{"None": 1, "2": 2}, {"file": "caf\udce9"}, {"loss": 1.0}]


def test_what_is_no_mapping_warns_once_and_training_goes_on(run, rows, capsys):
    logger.log([1])
    logger.log([2])
    logger.log({"loss": 1})
    assert len(rows()) == 1
    assert capsys.readouterr().err.count('logger.log: TypeError: it takes a mapping such as {"loss": 0.5}') == 1


def test_threads_may_log(run, rows):
    def work(name):
        for number in range(200):
            logger.log({name: number})

    logger.init()
    threads = [threading.Thread(target=work, args=(f"t{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    written = rows()
    assert sorted(row["step"] for row in written) == list(range(800))
    for thread in range(4):
        own = [row["values"][f"t{thread}"] for row in written if f"t{thread}" in row["values"]]
        assert own == list(range(200))


def test_config_is_kept_in_the_record_with_secrets_masked(run):
    logger.init(config={"lr": 0.1, "api_key": "abc", "model": {3: "x"}})
    logger.config.batch_size = 32
    logger.config.update(epochs=3)
    run.close("completed")
    info = json.loads((run.record.path / "run.json").read_text())
    expected = {"lr": 0.1, "api_key": "********", "model": {"3": "x"}, "batch_size": 32, "epochs": 3}
    assert info["config"] == expected
    assert logger.config.lr == 0.1
    with pytest.raises(AttributeError):
        logger.config.missing  # noqa: B018


def test_config_may_be_a_namespace_of_argparse(run):
    logger.init(config=argparse.Namespace(lr=0.1))
    assert logger.config == {"lr": 0.1}


def test_a_second_init_is_silent_with_the_same_and_warns_with_other_arguments(run, capsys):
    logger.init(project="a", tags=["x"])
    logger.init(project="a", tags=["x"])
    assert "before" not in capsys.readouterr().err
    logger.init(project="b")
    assert "called before with other settings" in capsys.readouterr().err


def test_init_says_where_the_metrics_go_and_returns_the_run(run, capsys):
    logged = logger.init(project="p")
    assert logged.id == run.id
    assert logged.path == run.record.path
    assert logged.url is None
    assert f"metrics go to runs/train/{run.id}" in capsys.readouterr().err


def test_the_summary_has_the_last_value_of_each_metric(run):
    logger.log({"loss": 2.0, "note": "x"})
    logger.log({"loss": 1.0, "acc": 3})
    assert logger.summary == {"loss": 1.0, "note": "x", "acc": 3}
    run.close("completed")
    info = json.loads((run.record.path / "run.json").read_text())
    assert (info["rows"], info["summary"]) == (2, {"loss": 1.0, "note": "x", "acc": 3})


def test_the_summary_can_be_set_and_what_is_logged_later_wins(run, rows):
    logger.log({"loss": 2.0, "nan": math.nan})
    logger.summary["best"] = 3
    logger.summary.loss = 0.5
    logger.summary.update({"report": {"accuracy": 0.9}}, epochs=4)
    assert logger.summary == {
        "loss": 0.5, "nan": pytest.approx(math.nan, nan_ok=True), "best": 3, "report": {"accuracy": 0.9}, "epochs": 4,
    }  # fmt: skip
    assert logger.summary.best == 3
    logger.log({"best": 5})
    assert [row["summary"] for row in rows() if "summary" in row] == [
        {"best": 3},
        {"loss": 0.5},
        {"report": {"accuracy": 0.9}, "epochs": 4},
    ]
    assert [row["step"] for row in rows() if row["values"]] == [0, 1]
    summary = json.loads((run.record.path / "run.json").read_text())["summary"]
    assert summary == {"loss": 0.5, "nan": "NaN", "best": 5, "report": {"accuracy": 0.9}, "epochs": 4}


def test_a_metric_that_became_nan_is_shown_as_nan(run):
    logger.log({"loss": 1.0})
    logger.log({"loss": math.nan})
    assert math.isnan(logger.summary["loss"])
    assert math.isnan(run.latest_metrics["loss"])
    run.close("completed")
    metrics = json.loads((run.record.path / "run.json").read_text())["metrics"]["loss"]
    assert (metrics["last"], metrics["best"]) == (1.0, 1.0)


def test_numbers_beyond_every_float_stop_no_row(run, rows):
    logger.log({"huge": 10**400, "loss": 1.0})
    logger.log({"loss": 2.0})
    assert [row["values"]["loss"] for row in rows()] == [1.0, 2.0]


def test_config_that_is_set_before_init_is_kept_and_copies_are_plain(run):
    logger.config.lr = 0.1
    logger.config.setdefault("lr", 9)
    logger.config.update(argparse.Namespace(epochs=3), allow_val_change=True)
    logger.config |= {"seed": 1}
    logger.init()
    run.close("completed")
    info = json.loads((run.record.path / "run.json").read_text())
    assert info["config"] == {"lr": 0.1, "epochs": 3, "seed": 1}
    for copied in (copy.deepcopy(logger.config), pickle.loads(pickle.dumps(logger.config))):
        assert (type(copied), copied) == (dict, info["config"])


def test_a_config_of_another_kind_is_named_and_stops_nothing(run, capsys):
    logger.init(config="config.yaml")
    assert "config takes a mapping or a namespace, not the str 'config.yaml'" in capsys.readouterr().err
    logger.log({"loss": 1.0})


def test_the_run_has_wandbs_names(run):
    with logger.init(project="p", entity="team", name="baseline") as logged:
        logged.log({"loss": 1.0})
        logged.summary["best"] = 1
        logged.config.lr = 0.1
        assert (logged.name, logged.project, logged.entity, logged.step) == ("baseline", "p", "team", 1)
        assert logged.path == run.record.path
        assert f"id={run.id!r}" in repr(logged)
    assert run.state == "completed"


def test_a_block_that_raises_is_a_failed_run(run):
    with pytest.raises(ValueError, match="steep"), logger.init():
        raise ValueError("too steep")
    info = json.loads((run.record.path / "run.json").read_text())
    assert (info["state"], info["error"]) == ("failed", "ValueError: too steep")


def test_init_again_with_reinit_ends_the_run_before(run, tmp_path):
    first = logger.init(project="a")
    logger.log({"loss": 1.0})
    second = logger.init(project="b", reinit="finish_previous")
    assert second.id != first.id
    assert second.project == "b"
    logger.finish()
    assert [record.state for record in list_records(tmp_path / "runs")] == ["completed", "completed"]


def test_what_only_says_something_about_rows_takes_no_step(run, rows):
    logger.define_metric("loss", goal="minimize", step_metric="epoch", hidden=True)
    logger.log({"loss": 1.0})
    logger.alert("slow", level="WARN", wait_duration=60)
    logger.log({"loss": 2.0})
    written = rows()
    assert [row["step"] for row in written if row["values"]] == [0, 1]
    assert written[0]["define"] == {
        "name": "loss", "step_metric": "epoch", "summary": None, "hidden": True, "goal": "minimize",
    }  # fmt: skip
    assert next(row["alert"] for row in written if "alert" in row)["wait_duration"] == 60


@pytest.mark.parametrize(("mark", "call"), [("savefig", "log_figure"), ("to_dict", "log_table")])
def test_an_object_for_another_call_is_refused_with_that_call(run, capsys, mark, call):
    logger.log({"chart": type("Thing", (), {mark: lambda self: None})()})
    assert f"'chart' is left out: a Thing is no number, text or 0-d tensor: logger.{call} keeps it" in (
        capsys.readouterr().err
    )


def test_the_last_metrics_are_known_before_they_are_written(run):
    logger.log({"loss": 1.0})
    logger.summary  # noqa: B018 - it writes what is queued
    stream = run.service(MetricStream)
    with stream._guard:  # the writer waits
        logger.log({"loss": 2.0, "acc": 3, "note": "x"})
        assert run.latest_metrics == {"loss": 1.0}
        assert run.fresh_metrics() == {"loss": 2.0, "acc": 3}


def test_a_bar_that_ends_leaves_the_last_metrics_beside_it(python, tmp_path):
    (tmp_path / "train.py").write_text(LAST_METRIC)
    done = python("train.py", TIPI_PLUGINS="progress")
    assert done.code == 0, done.err
    assert done.out.strip().endswith("loss 9")


def test_a_script_ends_with_a_table_of_its_metrics(run, capsys):
    logger.init()
    for number in range(4):
        logger.log({"loss": 1 / (number + 1), "acc": number})
    capsys.readouterr()
    run.close("completed")
    assert capsys.readouterr().err.splitlines() == [
        f"tipi: 4 rows in runs/train/{run.id}",
        "tipi: metric  first  last  best",
        "tipi: loss        1  0.25  0.25  █▃▁▁",
        "tipi: acc         0     3     3  ▁▃▅█",
    ]
    info = json.loads((run.record.path / "run.json").read_text())
    assert info["metrics"]["loss"] == {"first": 1, "last": 0.25, "min": 0.25, "max": 1, "best": 0.25, "rows": 4}


def test_log_is_a_safe_point_and_its_row_is_kept(run, rows):
    run.stop_signal = 15
    with pytest.raises(RunInterrupted):
        logger.log({"loss": 1.0})
    assert [row["values"] for row in rows()] == [{"loss": 1.0}]


class Observer:
    def __init__(self):
        self.seen, self.threads = [], set()

    @hookimpl
    def tipi_log(self, run, records):
        self.threads.add(threading.current_thread().name)
        self.seen += [record["step"] for record in records]


class Broken:
    @hookimpl
    def tipi_log(self, records):
        raise ValueError("no room")


def test_observers_see_every_row_and_a_broken_one_disturbs_nobody(run, rows, caplog):
    observer = Observer()
    run.host.register("observer", observer)
    run.host.register("broken", Broken())
    for number in range(50):
        logger.log({"n": number})
    assert len(rows()) == 50
    assert observer.seen == list(range(50))
    assert "plugin 'broken' failed in tipi_log: ValueError: no room" in caplog.text


class Settings:
    def __init__(self):
        self.seen = []

    @hookimpl
    def tipi_start_tracker(self, run, settings):
        from tipi.plugin import Tracker

        self.seen.append(dict(settings))
        return Tracker("mine", "online", "mine: watching", "https://example.org/1", lambda: self.seen.append(run.state))


def test_a_tracker_gets_the_settings_is_announced_and_closed_after_the_record(run, capsys):
    plugin = Settings()
    run.host.register("mine", plugin)
    logged = logger.init(project="p", config={"token": "x"}, unknown_option=3)
    logger.log({"loss": 1.0})
    run.close("completed")
    settings, state_at_close = plugin.seen
    assert settings == {"project": "p", "config": {"token": "********"}, "unknown_option": 3}
    assert state_at_close == "completed"
    assert logged.url == "https://example.org/1"
    assert capsys.readouterr().err == "tipi: mine: watching\n"


class Slow:
    """An observer that takes nothing until it may."""

    def __init__(self):
        self.seen, self.may = [], threading.Event()

    @hookimpl
    def tipi_log(self, records):
        assert self.may.wait(60)
        self.seen += [record["values"]["n"] for record in records]


def test_a_slow_observer_holds_nobody_up_and_reads_the_rest_from_the_record(run, rows, monkeypatch):
    monkeypatch.setattr(observing, "MOST_ROWS", 100)
    monkeypatch.setattr(observing, "MOST_BYTES", 2000)
    observer = Slow()
    run.host.register("slow", observer)
    for number in range(1000):
        logger.log({"n": number})
        if number % 50 == 0:
            logger.summary  # noqa: B018 - it writes what is queued
    stream = run.service(MetricStream)
    assert sum(1 for _ in read_record(run.record.path).metrics()) > 900  # the record goes on
    assert len(stream._observers._queue) <= 4  # and what waits for the observer is bounded
    observer.may.set()
    assert len(rows()) == 1000
    assert observer.seen == list(range(1000))


def test_an_observer_that_never_returns_is_left_behind(run, capsys, monkeypatch):
    monkeypatch.setattr(observing, "END_SECONDS", 0.1)
    observer = Slow()
    run.host.register("slow", observer)
    logger.log({"n": 1})
    run.close("completed")
    assert "a plugin did not take all metrics in time; they are in the record" in capsys.readouterr().err
    observer.may.set()


def test_on_a_disk_that_stays_full_the_newest_rows_wait_and_the_dropped_ones_are_counted(run, capsys, monkeypatch):
    monkeypatch.setattr(stream_room, "MOST_KEPT_BYTES", 2000)
    logger.log({"n": 0})
    logger.summary  # noqa: B018 - it writes what is queued
    with monkeypatch.context() as full:
        full.setattr(type(run.record), "append_metrics", _no_space)
        for number in range(1, 101):
            logger.log({"n": number})
            logger.summary  # noqa: B018 - it writes what is queued
    with pytest.raises(StorageError, match="rows of metrics could not be written and are lost"):
        run.service(MetricStream).close()
    kept = [row["values"]["n"] for row in read_record(run.record.path).metrics()]
    lost = json.loads((run.record.path / "run.json").read_text())["rows_lost"]
    assert kept == [0, *range(lost + 1, 101)]
    assert lost > 50
    assert capsys.readouterr().err.count("metrics cannot be written now") == 1


def _no_space(*_):
    raise OSError(28, "No space left on device")


def test_on_another_rank_nothing_is_written_or_said(run, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("RANK", "1")
    logger.init(project="p", config={"lr": 0.1})
    logger.log({"loss": 1.0})
    run.close("completed")
    assert not (tmp_path / "runs").exists()
    assert capsys.readouterr().err == ""
    assert logger.config.lr == 0.1
