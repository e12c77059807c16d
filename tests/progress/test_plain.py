"""Bars that are written to files: sparse lines without control codes, the last one the final state."""

import io
import subprocess
import sys

import pytest

from tipi.helpers import progress_bar
from tipi.plugin import ConfigError, configure_display
from tipi_core.run import Run, activate


def test_a_short_loop_leaves_one_line(python):
    done = python("-c", "from tipi.helpers import progress_bar\nfor i in progress_bar(range(30), desc='Work'): pass")
    assert done.out == ""
    assert done.err.count("\n") == 1
    assert done.err.startswith("Work: 100%|██████████| 30/30 [00:00<00:00, ")


def test_prints_and_bars_in_one_file_keep_their_order():
    code = """
import sys
from tipi.helpers import progress_bar
for epoch in progress_bar(range(2), desc="Epochs"):
    for batch in progress_bar(range(3), desc="Training"): pass
    print("epoch", epoch, flush=True)
"""
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True)
    lines = done.stdout.decode().splitlines()
    assert [line.split(":")[0] for line in lines] == ["Training", "epoch 0", "Training", "epoch 1", "Epochs"]
    assert b"\x1b" not in done.stdout
    assert b"\r" not in done.stdout


class Clock:
    """Time that passes when the test says so."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def paced():
    """A bar of 1000 items in a file, and a way to let time pass, as the drawing thread sees it."""
    file, clock = io.StringIO(), Clock()

    class Paced(progress_bar):
        _time = clock

    with activate(Run("test")):
        bar = Paced(total=1000, file=file, desc="Work")

        def wait(seconds, items):
            clock.now += seconds
            bar.update(items)
            if bar.sink is None:
                return file.getvalue().splitlines()
            bar.sample(clock.now)
            bar.sink.tick([bar], clock.now)
            return file.getvalue().splitlines()

        yield bar, wait
        bar.close()


def test_a_line_at_most_every_ten_seconds(paced):
    _, wait = paced
    assert wait(9, 500) == []
    assert len(wait(1, 1)) == 1
    assert len(wait(9, 400)) == 1
    assert len(wait(1, 0)) == 2


def test_slow_progress_waits_for_ten_percent_or_a_minute(paced):
    _, wait = paced
    assert wait(30, 50) == []
    assert len(wait(5, 50)) == 1
    assert len(wait(59, 1)) == 1
    assert len(wait(1, 1)) == 2


def test_without_progress_there_is_no_line(paced):
    _, wait = paced
    assert wait(1000, 0) == []


def test_the_last_line_is_the_final_state(paced):
    bar, wait = paced
    wait(20, 200)
    bar.update(300)
    bar.set_postfix(loss=0.5)
    bar.close()
    lines = wait(0, 0)
    assert lines[-1].startswith("Work:  50%|#####     | 500/1000 [00:20<00:20, 25.00it/s, loss=0.5]")


def test_how_sparse_is_configurable(paced):
    bar, wait = paced
    configure_display(bar.run, interval=1, percent=1)
    assert len(wait(1, 10)) == 1
    assert len(wait(1, 9)) == 1
    assert len(wait(1, 1)) == 2


@pytest.mark.parametrize(
    "wrong", [{"style": "loud"}, {"refresh": 0}, {"interval": "ten"}, {"percent": True}, {"intervall": 3}]
)
def test_wrong_options_are_refused(wrong):
    with pytest.raises(ConfigError):
        configure_display(Run("test"), **wrong)


def test_near_misses_are_named():
    with pytest.raises(ConfigError, match="did you mean 'interval'"):
        configure_display(Run("test"), intervall=3)


def test_a_child_run_starts_with_the_settings_around_it():
    parent = Run("parent")
    configure_display(parent, interval=77)
    from tipi_core.progress.settings import settings_of

    assert settings_of(Run("child", parent=parent)).interval == 77


class Closed(io.StringIO):
    def write(self, text):
        raise ValueError("I/O operation on closed file")


class Ascii(io.TextIOWrapper):
    pass


def test_files_of_all_kinds():
    class Bare:
        def __init__(self):
            self.text = ""

        def write(self, text):
            self.text += text

    bare = Bare()
    assert list(progress_bar(range(2), file=bare)) == [0, 1]
    assert "2/2" in bare.text
    assert list(progress_bar(range(2), file=Closed())) == [0, 1]
    raw = io.BytesIO()
    narrow = io.TextIOWrapper(raw, encoding="ascii")
    assert list(progress_bar(range(2), desc="漢", file=narrow)) == [0, 1]
    narrow.flush()
    assert raw.getvalue().startswith(b"?: 100%|##########| 2/2")
    really_closed = io.StringIO()
    bar = progress_bar(range(2), file=really_closed)
    really_closed.close()
    assert list(bar) == [0, 1]


def test_control_characters_never_reach_a_file():
    file = io.StringIO()
    list(progress_bar(range(2), desc="\x1b[2J\x1b[31mx\x1b[0m\r\n[b]", file=file))
    assert file.getvalue().startswith("\\x1b[2Jx\\r\\n[b]: 100%")


def test_a_bar_that_does_not_stay_leaves_nothing():
    file = io.StringIO()
    list(progress_bar(range(2), leave=False, file=file))
    list(progress_bar(range(2), disable=True, file=file))
    list(progress_bar(range(2), delay=60, file=file))
    assert file.getvalue() == ""


@pytest.mark.parametrize("environment", [{"RANK": "1"}, {"TIPI_PROGRESS": "off"}, {"TQDM_DISABLE": "1"}])
def test_who_draws_nothing(python, environment):
    done = python(
        "-c",
        "from tipi.helpers import progress_bar\nbar = progress_bar(range(3))\nprint(len([*bar]))",
        **environment,
    )
    assert (done.out, done.err) == ("3\n", "")


def test_rank_zero_draws(python):
    done = python("-c", "from tipi.helpers import progress_bar\n[*progress_bar(range(3))]", RANK="0")
    assert "3/3" in done.err


def test_nothing_is_left_in_the_folder(python, tmp_path):
    python("-c", "from tipi.helpers import progress_bar\n[*progress_bar(range(3))]")
    assert list(tmp_path.iterdir()) == []


POOL = """
import multiprocessing, sys
from tipi.helpers import progress_bar

def work(i):
    return sum(progress_bar(range(i), desc="in a child"))

if __name__ == "__main__":
    with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:
        for result in progress_bar(pool.imap(work, range(6)), total=6, desc="Pool"):
            print(result)
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_children_of_all_kinds_draw_nothing(python, tmp_path, method):
    (tmp_path / "pool.py").write_text(POOL)
    done = python("-W", "ignore", "pool.py", method)
    assert (done.code, done.out) == (0, "0\n0\n1\n3\n6\n10\n")
    assert "in a child" not in done.err
    assert done.err.startswith("Pool: 100%")


RANKS = """
import os, sys
from torch.multiprocessing import spawn
from tipi.helpers import progress_bar

def train(rank, says_so):
    if says_so:
        os.environ["RANK"] = str(rank)
    for _ in progress_bar(range(3), desc=f"rank {rank}"): pass

if __name__ == "__main__":
    spawn(train, (sys.argv[1] == "yes",), nprocs=2)
"""


@pytest.mark.parametrize(("says_so", "lines"), [("no", []), ("yes", ["rank 0"])])
def test_spawned_ranks(python, tmp_path, says_so, lines):
    pytest.importorskip("torch")
    (tmp_path / "ranks.py").write_text(RANKS)
    done = python("-W", "ignore", "ranks.py", says_so)
    assert done.code == 0
    assert [line.split(":")[0] for line in done.err.splitlines()] == lines


def test_a_fork_while_bars_draw_never_deadlocks(python):
    done = python(
        "-W",
        "ignore",
        "-c",
        """
import os, threading
from tipi.helpers import progress_bar
from tipi.plugin import configure_display, current_run
configure_display(current_run(), interval=0.001, percent=0.0001)
stop = threading.Event()
def busy():
    bar = progress_bar(total=10**9, file=open(os.devnull, "w"))
    while not stop.is_set(): bar.update(); bar.refresh()
threads = [threading.Thread(target=busy) for _ in range(2)]
for t in threads: t.start()
for i in progress_bar(range(30)):
    child = os.fork()
    if child == 0:
        for _ in progress_bar(range(3)): pass
        os._exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
stop.set()
for t in threads: t.join()
print("done")
""",
    )
    assert done.out == "done\n"
    assert done.err.count("30/30") == 1


def test_data_loader_workers(python):
    pytest.importorskip("torch")
    code = """
import torch
from torch.utils.data import DataLoader
from tipi.helpers import progress_bar
seen = []
for epoch in progress_bar(range(2), desc="Epochs"):
    for batch in progress_bar(DataLoader(torch.arange(20), batch_size=4, num_workers=2), desc="Training"):
        seen.append(int(batch.sum()))
print(seen)
"""
    done = python("-W", "ignore", "-c", code)
    assert done.out == "[6, 22, 38, 54, 70, 6, 22, 38, 54, 70]\n"
    assert [line.split(":")[0] for line in done.err.splitlines()] == ["Training", "Training", "Epochs"]
    assert "5/5" in done.err


HEAVY = ("rich", "pluggy", "msgspec", "torch", "click", "asyncio", "importlib.metadata", "tomllib", "pandas")


def test_the_import_is_light(python):
    code = "import sys\nfrom tipi.helpers import progress_bar, trange\nprint(*sys.modules)"
    loaded = python("-c", code).out.split()
    assert [name for name in (*HEAVY, "tipi_core.metrics", "tipi_core.devices") if name in loaded] == []


def test_bars_in_a_file_load_no_look(python):
    code = "import sys\nfrom tipi.helpers import progress_bar\n[*progress_bar(range(9))]\nprint(*sys.modules)"
    loaded = python("-c", code).out.split()
    assert [name for name in HEAVY if name in loaded] == []


def test_a_bar_that_fails_to_show_itself_stops_no_loop(python):
    done = python(
        "-c",
        """
import logging, threading
logging.basicConfig(format="log %(message)s")
from tipi.helpers import progress_bar
from tipi_core.progress.display import display
failed = threading.Event()
class Broken(progress_bar):
    def display(self, msg=None, pos=None):
        if threading.current_thread() is not threading.main_thread():
            failed.set()
            raise RuntimeError("no picture")
for i in Broken(range(3)):
    assert failed.wait(10)
for i in progress_bar(range(3), desc="next"): pass
print("done")
""",
    )
    assert done.out == "done\n"
    assert "no picture" in done.err
    assert "next: 100%" in done.err
