"""Bars beside what else uses their terminal, their process and their locks."""

import pytest

TEES = {
    "that hands everything on": """
class Tee:
    def __init__(self, inner): self.inner = inner
    def write(self, text): return self.inner.write(text)
    def __getattr__(self, name): return getattr(self.inner, name)
sys.stderr = Tee(sys.stderr)
sys.stdout = Tee(sys.stdout)
""",
    "with the least": """
class Tee:
    def __init__(self, inner): self.inner = inner
    def write(self, text): self.inner.write(text)
    def flush(self): self.inner.flush()
    def fileno(self): return self.inner.fileno()
sys.stdout = Tee(sys.stdout)
""",
    "as in tqdm's own documents": """
from tqdm.contrib import DummyTqdmFile
real = sys.stdout, sys.stderr
sys.stdout, sys.stderr = map(DummyTqdmFile, real)
progress_bar = __import__("functools").partial(progress_bar, file=real[0], dynamic_ncols=False)
""",
}


@pytest.mark.parametrize("kind", TEES)
def test_streams_around_streams(terminal, kind):
    pytest.importorskip("tqdm")
    seen = terminal(
        TEES[kind]
        + """
for i in progress_bar(range(3), desc="Work"):
    print("line", end=" ")
    print(i)
    time.sleep(0.05)
"""
    )
    assert seen.code == 0, seen.text
    assert seen.lines[:3] == ["line 0", "line 1", "line 2"]
    assert seen.lines[3].startswith("✓ Work")
    assert len(seen.lines) == 4


DISPLAYS = {
    "status": "rich.console.Console().status('status')",
    "live": "rich.live.Live('live', refresh_per_second=50)",
    "progress": "rich.progress.Progress()",
}


@pytest.mark.parametrize("kind", DISPLAYS)
def test_inside_a_display_of_rich(terminal, kind):
    seen = terminal(
        f"""
import rich.console, rich.live, rich.progress
with {DISPLAYS[kind]}:
    for i in progress_bar(range(3), desc="Work"):
        print("line", i)
        time.sleep(0.05)
print("end")
"""
    )
    assert seen.code == 0, seen.text
    assert "✓ Work" in seen.text
    assert seen.lines[-1] == "end"
    assert not seen.screen.cursor.hidden
    for i in range(3):
        assert f"line {i}" in seen.text


def test_a_frame_that_waits_for_a_lock_of_the_user_does_not_hang_a_print(terminal):
    seen = terminal(
        """
lock, asked, printed = threading.Lock(), threading.Event(), []
class Slow:
    def __str__(self):
        asked.set()
        with lock:
            return "postfix"
bar = progress_bar(total=2, desc="Work")
with lock:
    bar.postfix = Slow()
    asked.wait()
    print("from inside the lock")
bar.update(2)
bar.close()
"""
    )
    assert seen.code == 0
    assert "from inside the lock" in seen.text
    assert "✓ Work" in seen.text


def test_a_lock_of_logging_and_a_class_that_logs_in_its_display(terminal):
    seen = terminal(
        """
import logging
logging.basicConfig(level="INFO", format="%(message)s")
class Mine(progress_bar):
    def display(self, msg=None, pos=None):
        logging.info("shown")
def log():
    for i in range(300): logging.info("line")
threads = [threading.Thread(target=log) for _ in range(2)]
with progress_bar(total=5, desc="Work") as live, Mine(range(3)) as mine:
    for thread in threads: thread.start()
    for i in range(5):
        mine.display()
        live.update()
    for thread in threads: thread.join()
""",
        rows=700,
    )
    assert seen.code == 0
    assert seen.lines.count("line") == 600


@pytest.mark.parametrize("consumer", ["sum({})", "list({})", "max(map(abs, {}))", "collections.deque({}, maxlen=0)"])
def test_c_code_that_asks_for_the_items_can_be_seen_and_interrupted(terminal, consumer):
    loop = consumer.format('progress_bar(range(10**9), desc="Work", leave=False)')
    seen = terminal(
        f"""
import collections
def watch():
    while not started.wait(0.001): pass
    shot()
started = threading.Event()
threading.Thread(target=watch, daemon=True).start()
class Started(progress_bar):
    def sample(self, now):
        super().sample(now)
        if self.n > 100: started.set()
progress_bar = Started
{loop}
""",
        interrupt="ctrl-c",
    )
    assert seen.code == -2
    assert seen.shots[0][0].startswith("⠋ Work") or "Work" in seen.shots[0][0]
    assert seen.lines[-1] == "KeyboardInterrupt"


def test_a_number_that_no_arithmetic_takes_stops_no_other_bar(terminal):
    seen = terminal(
        """
import decimal, logging
logging.disable()
odd = progress_bar(total=3, desc="odd", leave=False)
odd.update(decimal.Decimal(1))
time.sleep(0.2)
try:
    odd.close()
except TypeError:
    pass
for value in (float("nan"), float("inf")):
    bar = progress_bar(total=3, desc=f"{value}")
    bar.n = value
    shot()
    bar.close()
for i in progress_bar(range(2), desc="Work"):
    shot()
assert "tipi-progress" in [thread.name for thread in threading.enumerate()]
"""
    )
    assert seen.code == 0, seen.text
    assert seen.shots[-1][-1][2:].startswith("Work")
    assert seen.lines[-1].startswith("✓ Work")


def test_a_bar_that_cannot_be_shown_gives_the_streams_back(terminal):
    seen = terminal(
        """
import logging
logging.disable()
class Odd:
    def __str__(self): raise LookupError
before = vars(sys.stdout).copy(), vars(sys.stderr).copy(), input, os.system
bar = progress_bar(total=3, desc="odd")
bar.postfix = Odd()
while bar.sink is not None: time.sleep(0.01)
assert (vars(sys.stdout), vars(sys.stderr), input, os.system) == before
print("a line")
"""
    )
    assert seen.code == 0, seen.text
    assert seen.lines[-1] == "a line"


def test_what_a_command_prints_stays(terminal):
    seen = terminal(
        """
before = os.system
for i in progress_bar(range(3), desc="Work"):
    shot()
    os.system(f"echo command {i}")
    shot()
assert os.system is before
"""
    )
    assert seen.lines[:3] == ["command 0", "command 1", "command 2"]
    assert seen.lines[3].startswith("✓ Work")


def test_a_command_of_a_forked_child_leaves_the_bars_alone(terminal):
    seen = terminal(
        """
for i in progress_bar(range(1), desc="Work"):
    shot()
    with progress_bar.get_lock():  # the parent draws nothing meanwhile
        if os.fork() == 0:
            os.write(2, b"<child:")
            os.system("true")
            os.write(2, b":child>")
            os._exit(0)
        os.wait()
"""
    )
    assert seen.code == 0
    assert b"<child::child>" in seen.raw


def test_bars_opened_side_by_side_stand_side_by_side(terminal):
    seen = terminal(
        """
bars = [progress_bar(total=2, desc=f"file {i}") for i in range(3)]
shot()
for bar in bars: bar.close()
outer = progress_bar(total=2, desc="outer")
for i in progress_bar(range(1), desc="inner"): shot()
outer.close()
"""
    )
    first, second = seen.shots
    assert [line[2:8] for line in first] == ["file 0", "file 1", "file 2"]
    assert [line[:7] for line in second[-2:]] == [second[-2][0] + " outer", "└ inner"]


def test_deep_bars_keep_their_last_lines(terminal):
    seen = terminal(
        """
bars = [progress_bar([0], desc=f"deep {i}") for i in range(60)]
loops = [iter(bar) for bar in bars]
for loop in loops: next(loop)
for loop in reversed(loops): list(loop)
""",
        rows=80,
    )
    assert sorted(line[2:].split("  ")[0].strip() for line in seen.lines) == sorted(f"deep {i}" for i in range(60))


def test_a_burst_of_prints_draws_no_frame_for_each(terminal):
    seen = terminal(
        """
for i in progress_bar(range(1), desc="Work"):
    shot()
    print("\\n".join("x" for _ in range(10)))
    for i in range(500): print("line", i)
"""
    )
    assert seen.code == 0
    assert seen.lines[-2:-1] == ["line 499"]
    assert seen.raw.count(b"Work") < 300
