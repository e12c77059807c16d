"""``logger`` in scripts of their own: how they end, forks, full disks, a folder that cannot be written."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from tipi.records import list_records

posix = pytest.mark.skipif(os.name != "posix", reason="needs fork and signals")


@pytest.fixture
def script(tmp_path, python):
    """Run a script as a user would, without the trackers; return what it said and its records."""

    def run(text, **environment):
        (tmp_path / "train.py").write_text(textwrap.dedent(text))
        done = python("-W", "error", "train.py", TIPI_PLUGINS="", **environment)
        return done, list_records(tmp_path / "runs")

    return run


def values(record):
    return [row["values"] for row in record.metrics()]


def test_a_script_that_ends_leaves_a_completed_record(script):
    done, (record,) = script("""
        from tipi.helpers import logger
        logger.init(project="p")
        for step in range(100):
            logger.log({"loss": 1 / (step + 1)})
    """)
    assert done.code == 0
    assert record.state == "completed"
    assert len(values(record)) == record.info["rows"] == 100
    assert f"metrics go to runs/train/{record.path.name}" in done.err


def test_a_script_that_raises_leaves_a_failed_record_with_the_error_and_all_rows(script):
    done, (record,) = script("""
        from tipi.helpers import logger
        logger.log({"loss": 1.0})
        raise ValueError("too steep")
    """)
    assert done.code == 1
    assert record.state == "failed"
    assert record.info["error"] == "ValueError: too steep"
    assert values(record) == [{"loss": 1.0}]


def test_finish_ends_one_run_and_the_next_call_begins_another(script):
    done, records = script("""
        from tipi.helpers import logger
        for project in ("a", "b"):
            logger.init(project=project)
            logger.log({"run": project})
            logger.finish()
    """)
    assert done.code == 0
    assert "before" not in done.err
    assert sorted(value["run"] for record in records for value in values(record)) == ["a", "b"]
    assert [record.state for record in records] == ["completed", "completed"]


@posix
def test_a_forked_child_writes_nothing_and_takes_nothing_from_its_parent(script):
    done, (record,) = script("""
        import os
        from tipi.helpers import logger
        logger.init(project="p")
        logger.log({"who": "parent"})
        child = os.fork()
        if child == 0:
            logger.log({"who": "child"})
            logger.finish()
            raise SystemExit(3)
        assert os.waitpid(child, 0)[1] >> 8 == 3
        logger.log({"who": "parent again"})
    """)
    assert done.code == 0, done.err
    assert values(record) == [{"who": "parent"}, {"who": "parent again"}]
    assert record.state == "completed"


@posix
def test_a_full_disk_warns_once_and_the_rows_come_when_there_is_room_again(script):
    done, (record,) = script("""
        import resource
        from tipi.helpers import logger
        from tipi.plugin import current_run
        logger.init(project="p")
        logger.log({"n": 0})
        logger.summary  # written now
        size = (current_run().record.path / "metrics.jsonl").stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 10, resource.RLIM_INFINITY))
        for n in range(1, 50):
            logger.log({"n": n})
            logger.summary
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    """)
    assert done.code == 0
    assert done.err.count("metrics cannot be written now") == 1
    assert [value["n"] for value in values(record)] == list(range(50))
    assert "rows_lost" not in record.info


@posix
def test_a_killed_script_leaves_whole_rows_and_shows_as_crashed(tmp_path):
    (tmp_path / "train.py").write_text(
        "import time\nfrom tipi.helpers import logger\nlogger.init()\n"
        "while True:\n    logger.log({'loss': 1.0})\n    time.sleep(0.001)\n"
    )
    environment = {**os.environ, "TIPI_PLUGINS": ""}
    command = [sys.executable, "train.py"]
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL) as training:
        deadline = time.monotonic() + 60
        while not any(list(record.metrics()) for record in list_records(tmp_path / "runs")):
            assert time.monotonic() < deadline, "no row was written"
            time.sleep(0.05)
        (running,) = list_records(tmp_path / "runs")
        training.send_signal(signal.SIGKILL)
    (record,) = list_records(tmp_path / "runs")
    assert (running.state, record.state) == ("running", "crashed")
    steps = [row["step"] for row in record.metrics()]
    assert steps == list(range(len(steps)))


def test_a_folder_that_cannot_be_written_warns_once_and_training_goes_on(script, tmp_path):
    (tmp_path / "runs").write_text("a file where the folder should be")
    done, _ = script("""
        from tipi.helpers import logger
        logger.init(project="p")
        for step in range(3):
            logger.log({"loss": 1.0})
        print(logger.summary["loss"], logger.run.path)
    """)
    assert done.code == 0
    assert done.out == "1.0 None\n"
    assert done.err.count("no record of this run") == 1


def test_a_closed_stderr_stops_nothing(script):
    done, (record,) = script("""
        import sys
        sys.stderr.close()
        from tipi.helpers import logger
        logger.init(project="p")
        logger.log({"loss": 1.0, "bad": []})
    """)
    assert done.code == 0
    assert values(record) == [{"loss": 1.0}]


def test_logging_imports_neither_torch_nor_wandb(script):
    done, _ = script("""
        import sys
        from tipi.helpers import logger
        logger.init(project="p")
        logger.log({"loss": 1.0})
        print(sorted({"torch", "numpy", "wandb", "rich", "click"} & set(sys.modules)))
    """)
    assert done.out == "[]\n"


def test_workers_of_a_data_loader_write_nothing(script):
    pytest.importorskip("torch")
    done, (record,) = script("""
        from torch.utils.data import DataLoader, Dataset
        from tipi.helpers import logger

        class Numbers(Dataset):
            def __len__(self):
                return 8
            def __getitem__(self, index):
                logger.log({"worker": index})
                logger.summary["worker"] = index
                return index

        if __name__ == "__main__":
            logger.init(project="p")
            for context in ("fork", "spawn"):
                for batch in DataLoader(Numbers(), batch_size=4, num_workers=2, multiprocessing_context=context):
                    logger.log({"batch": batch.sum()})
    """)
    assert done.code == 0, done.err
    assert sorted(value["batch"] for value in values(record)) == [6, 6, 22, 22]
    assert "worker" not in record.info["summary"]


ENDING = """
import atexit
import threading
from tipi.helpers import logger, progress_bar


def refuse(thread):
    raise RuntimeError("can't create new thread at interpreter shutdown")
"""
REFUSE = 'atexit.register(lambda: setattr(threading.Thread, "start", refuse))  # as Python 3.12 does from then on\n'


def test_the_rows_of_a_short_script_are_written_where_python_makes_no_threads_any_more(python, tmp_path):
    (tmp_path / "short.py").write_text(f"{ENDING}\nfor i in range(3):\n    logger.log({{'loss': i}})\n{REFUSE}")
    done = python("short.py")
    assert (done.code, "failed" in done.err) == (0, False), done.err
    (record,) = list_records(tmp_path / "runs")
    assert record.info["summary"] == {"loss": 2}


def test_a_bar_that_opens_where_python_makes_no_threads_any_more_shows_how_it_ended(python, tmp_path):
    bar = "atexit.register(lambda: [*progress_bar('ab', desc='Last')])"
    (tmp_path / "short.py").write_text(f"{ENDING}\n{bar}\n{REFUSE}")
    done = python("short.py")
    assert done.code == 0
    assert "Traceback" not in done.err
    assert "Last: 100%" in done.err
