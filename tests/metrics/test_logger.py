"""``logger`` in one process: rows, steps, config, warnings, observers."""

import argparse
import json
import threading

import pytest

from tipi.helpers import logger, progress_bar
from tipi.plugin import hookimpl
from tipi_core.errors import RunInterrupted


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
    assert logger.summary == {"loss": 1.0, "acc": 3}
    run.close("completed")
    info = json.loads((run.record.path / "run.json").read_text())
    assert (info["rows"], info["summary"]) == (2, {"loss": 1.0, "acc": 3})


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


def test_on_another_rank_nothing_is_written_or_said(run, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("RANK", "1")
    logger.init(project="p", config={"lr": 0.1})
    logger.log({"loss": 1.0})
    run.close("completed")
    assert not (tmp_path / "runs").exists()
    assert capsys.readouterr().err == ""
    assert logger.config.lr == 0.1
