"""Bars on a terminal, as a person sees them."""

import signal
import textwrap

import pytest

NESTED = """
for epoch in progress_bar(range(2), desc="Epochs"):
    for batch in progress_bar(range(4), desc="Training"):
        if batch == 2: shot()
"""


def starts(lines, *words):
    return [line[2:].split("  ")[0] for line in lines] == list(words)


def test_nested_bars_stand_in_one_display(terminal):
    seen = terminal(NESTED)
    assert seen.code == 0
    first, second = seen.shots
    assert starts(first, "Epochs", "Training")
    assert "0/2" in first[0]
    assert "2/4" in first[1]
    assert "50%" in first[1]
    assert starts(second, "Training", "Epochs", "Training")
    assert starts(seen.lines, "Training", "Training", "Epochs")
    assert all("100%" in line for line in seen.lines)


def test_an_inner_bar_that_does_not_stay_vanishes(terminal):
    seen = terminal(NESTED.replace('desc="Training"', 'desc="Training", leave=False'))
    assert starts(seen.shots[1], "Epochs", "Training")
    assert starts(seen.lines, "Epochs")


def test_a_bar_that_stays_is_kept_when_the_one_around_it_vanishes(terminal):
    seen = terminal(
        "with progress_bar(total=1, desc='outer', leave=False) as outer:\n"
        "    for _ in progress_bar(range(3), desc='inner'): pass\n"
        "    outer.update()\n"
    )
    assert starts(seen.lines, "inner")


def test_five_levels_deep(terminal):
    code = "def go(depth):\n    for _ in progress_bar([1], desc=f'level {depth}', leave=False):\n"
    code += "        go(depth + 1) if depth < 5 else shot()\ngo(1)\n"
    seen = terminal(code)
    assert [line.split("  ")[-1] and line.strip("├└⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ ").split("  ")[0] for line in seen.shots[0]] == [
        f"level {depth}" for depth in range(1, 6)
    ]
    assert seen.lines == []


def test_prints_come_above_the_bars_in_order(terminal):
    seen = terminal(
        """
import logging
logging.basicConfig(format="log %(message)s")
for i in progress_bar(range(3), desc="Work"):
    print("out", i)
    print("err", i, file=sys.stderr)
    logging.warning(i)
    progress_bar.write(f"write {i}")
    shot()
"""
    )
    expected = [line for i in range(3) for line in (f"out {i}", f"err {i}", f"log {i}", f"write {i}")]
    assert seen.lines[:-1] == expected
    assert seen.lines[-1].startswith("✓ Work")
    assert seen.shots[0][:-1] == expected[:4]
    assert "Work" in seen.shots[0][-1]


def test_a_line_printed_in_pieces_stays_whole(terminal):
    seen = terminal(
        """
for i in progress_bar(range(2), desc="Work"):
    print("a", end="")
    shot()
    print("b", end="")
    shot()
    print("c")
print("after")
"""
    )
    assert seen.shots[0][0] == "a"
    assert "Work" in seen.shots[0][1]
    assert seen.shots[1][0] == "ab"
    assert "Work" in seen.shots[1][1]
    assert seen.lines[:2] == ["abc", "abc"]
    assert seen.lines[-1] == "after"


def test_streams_are_what_they_were(terminal):
    seen = terminal(
        """
out, err = sys.stdout, sys.stderr
before = dict(vars(out)), dict(vars(err))
for i in progress_bar(range(2)):
    assert sys.stdout is out and sys.stderr is err
assert (vars(out), vars(err)) == before
assert sys.stdout.write.__self__ is out
print("same")
"""
    )
    assert seen.lines[-1] == "same"


def test_redirected_stdout_is_byte_for_byte_the_users(terminal, tmp_path):
    log = tmp_path / "log"
    seen = terminal(
        """
for i in progress_bar(range(50), desc="Work"):
    print("line", i)
    print("part", end=" ")
    progress_bar.write("\\x1b[2Jwritten")
""",
        stdout=log,
    )
    assert log.read_text() == "".join(f"line {i}\npart \x1b[2Jwritten\n" for i in range(50))
    assert seen.lines[0].startswith("✓ Work")


@pytest.mark.parametrize("text", ["[1/10] [/] [bold]", ":smile: 100%", "a\nb\rc\tx", "\x1b[2J\x1b[10;10H", "漢字" * 3])
def test_a_users_text_stays_literal(terminal, text):
    seen = terminal(
        f"""
bar = progress_bar(range(3), desc={text!r}, unit={text!r}, postfix={text!r})
for i in bar:
    bar.set_postfix_str({text!r})
    progress_bar.write({text!r}.replace(chr(10), ""))
    if i == 1: shot()
""",
        columns=200,
    )
    spelled = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    assert seen.code == 0
    assert len(seen.shots[0]) == 3
    assert spelled in "".join(seen.shots[0][-1]).replace("字 ", "字").replace("漢 ", "漢")
    assert len(seen.lines) == 4


def test_colours_in_a_description_stay(terminal):
    seen = terminal('for _ in progress_bar(range(1), desc="\\x1b[31mred\\x1b[0m"): pass')
    assert b"\x1b[31mred\x1b[0m" in seen.raw
    assert seen.lines[0].startswith("✓ red  ")


@pytest.mark.parametrize(
    ("ending", "code"),
    [
        ("raise ValueError('mine')", 1),
        ("sys.exit(3)", 3),
        ("os.kill(os.getpid(), 15)", -15),
        ("os.kill(os.getpid(), 9)", -9),
        ("raise KeyboardInterrupt", -2),
    ],
)
def test_however_it_ends_the_terminal_is_clean(terminal, ending, code):
    seen = terminal(
        f"""
outer = progress_bar(total=5, desc="never closed")
for i in progress_bar(range(5), desc="Work"):
    if i == 2:
        shot()
        {ending}
"""
    )
    assert seen.code == code
    assert b"\x1b[?25l" not in seen.raw
    assert seen.cursor.x == 0
    assert seen.cursor.y == len(seen.lines)


def test_ctrl_c_ends_the_program_with_a_clean_screen(terminal):
    seen = terminal(
        """
for i in progress_bar(range(1000), desc="Work"):
    shot()
    time.sleep(5)
""",
        interrupt="ctrl-c",
    )
    assert seen.code == -signal.SIGINT
    assert any(line.startswith("✗ Work") for line in seen.lines)
    assert seen.lines[-1] == "KeyboardInterrupt"
    assert seen.cursor.x == 0


ENDINGS = {
    "✗": {
        "raise": "for i in bar([1, 2]): raise LookupError",
        "call": "for i in bar([1, 2]): int('x')",
        "source": "for i in bar(fails()): pass",
        "enumerate": "for i, _ in enumerate(bar([1, 2])): 1 / 0",
        "nested": "for i in bar([1, 2]):\n    for j in [1]:\n        int('x')",
        "with": "with bar(None, total=2):\n    int('x')",
        "exit": "with bar(None, total=2): raise SystemExit",
    },
    "■": {
        "break": "for i in bar([1, 2]): break",
        "return": "for i in bar([1, 2]): return",
        "caught": "for i in bar([1, 2]):\n    try: int('x')\n    except ValueError: break",
        "first": "next(iter(bar([1, 2])))",
        "again": "for _ in range(1): next(iter(bar([1, 2])))",
        "zip": "for i in zip([1], bar([1, 2])): pass",
        "islice": "for i in itertools.islice(bar([1, 2]), 1): pass",
        "any": "any(bar([1, 2]))",
        "yield": "def inner():\n    for i in bar([1, 2]): yield i\nnext(inner())",
        "by hand": "bar(None, total=2).close()",
        "unknown": "for i in bar(iter([1, 2])): break",
    },
    "✓": {
        "end": "for i in bar([1, 2]): pass",
        "list": "list(bar([1, 2]))",
        "set": "{i for i in bar([1, 2])}",
        "open": "bar(None).close()",
    },
}
LOOP = """
def program():
    bar = functools.partial(progress_bar, desc={name!r})
{body}
try:
    program()
except (Exception, SystemExit):
    pass
"""


def test_the_sign_of_a_line_tells_how_its_loop_ended(terminal):
    expected = {name: sign for sign, bodies in ENDINGS.items() for name in bodies}
    loops = [
        LOOP.format(name=name, body=textwrap.indent(body, "    "))
        for bodies in ENDINGS.values()
        for name, body in bodies.items()
    ]
    seen = terminal("import functools, itertools\ndef fails():\n    yield 1\n    raise LookupError\n" + "".join(loops))
    assert seen.code == 0
    assert {line[2:].split("  ")[0]: line[0] for line in seen.lines} == expected


WATCHED = """
asking = threading.Event()
def keep_drawing():
    asking.wait()
    for _ in range(100):
        shot()
        time.sleep(0.01)
threading.Thread(target=keep_drawing, daemon=True).start()
"""


def test_a_question_inside_a_loop_waits_with_the_bars_off_the_screen(terminal):
    seen = terminal(
        WATCHED
        + """
before = input
for i in progress_bar(range(2), desc="Work"):
    if i:
        asking.set()
        print("hello", input("name? "))
assert input is before
""",
        keys=[(rb"name\? .*shot\x07.*shot\x07", b"ada\r")],
    )
    assert seen.code == 0
    assert ["name?"] in seen.shots
    assert seen.lines[:2] == ["name? ada", "hello ada"]
    assert seen.lines[2].startswith("✓ Work")


def test_the_debugger_inside_a_loop_has_the_screen_for_itself(terminal):
    seen = terminal(
        WATCHED
        + """
for i in progress_bar(range(2), desc="Work"):
    if i:
        asking.set()
        breakpoint()
""",
        keys=[
            (rb"\(Pdb\) .*shot\x07.*shot\x07", b"p i + 41\r"),
            (rb"\n42\r?\n.*\(Pdb\) .*shot\x07", b"c\r"),
        ],
    )
    assert seen.code == 0
    assert any(lines[-1] == "(Pdb)" for lines in seen.shots)
    at = seen.lines.index("(Pdb) p i + 41")
    assert seen.lines[at + 1 : at + 3] == ["42", "(Pdb) c"]
    assert seen.lines[at + 3].startswith("✓ Work")


def test_a_bar_that_is_never_closed_does_not_hang_the_exit(terminal):
    seen = terminal("bar = progress_bar(total=5, desc='open')\nbar.update(2)\nkeep = [bar]\n")
    assert seen.code == 0
    assert "open" in seen.lines[0]
    assert "2/5" in seen.lines[0]


def test_a_bar_that_is_dropped_closes(terminal):
    seen = terminal(
        """
def forget():
    bar = progress_bar(total=5, desc="dropped")
    bar.update(3)
forget()
assert all(t.name == "MainThread" or t.daemon for t in threading.enumerate())
print("after")
"""
    )
    assert "dropped" in seen.lines[0]
    assert "3/5" in seen.lines[0]
    assert seen.lines[1] == "after"


def test_postfix_and_description_show_live(terminal):
    seen = terminal(
        """
with progress_bar(total=10) as bar:
    bar.set_description("Step")
    bar.set_postfix(loss=0.123456, acc=1)
    bar.update(4)
    shot()
    bar.set_postfix({"z": "last"})
    bar.set_description_str("Other")
    bar.total = 8
    shot()
"""
    )
    assert "Step  " in seen.shots[0][0]
    assert "acc=1, loss=0.123" in seen.shots[0][0]
    assert "4/10" in seen.shots[0][0]
    assert "Other  " in seen.shots[1][0]
    assert "z=last" in seen.shots[1][0]
    assert "4/8" in seen.shots[1][0]


def test_metrics_stand_beside_the_innermost_bar_while_they_are_its_own(terminal):
    seen = terminal(
        """
from tipi.helpers import logger
for epoch in progress_bar(range(1), desc="Epochs"):
    for i in progress_bar(range(3), desc="Training"):
        logger.log({"loss": 0.8 / 2**i})
        shot()
    for i in progress_bar(range(1), desc="Validation"):
        shot()
"""
    )
    *training, (left, outer, validation) = seen.shots
    assert not any("loss" in lines[0] for lines in training)
    assert [lines[1].rpartition("loss ")[2] for lines in training] == ["0.8000", "0.4000", "0.2000"]
    assert left.startswith("✓ Training")
    assert left.endswith("loss 0.2000")
    assert "loss" not in outer + validation


@pytest.mark.parametrize("columns", [8, 20, 33, 50, 64, 79, 80, 120])
def test_no_line_is_wider_than_the_terminal(terminal, columns):
    seen = terminal(
        """
for i in progress_bar(range(2), desc="a very long description " * 3):
    for j in progress_bar(iter(range(2)), desc="漢字" * 20, postfix="p" * 50):
        shot()
""",
        columns=columns,
    )
    assert seen.code == 0
    assert all(len(shot) == 2 for shot in seen.shots[:2])


def test_a_terminal_that_becomes_narrow(terminal):
    seen = terminal(
        """
import fcntl, struct, termios
for i in progress_bar(range(3), desc="Work"):
    print(i)
    shot()
    fcntl.ioctl(2, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
"""
    )
    assert seen.code == 0
    assert len(seen.shots[1][-1]) < 60


def test_more_bars_than_rows(terminal):
    seen = terminal(
        """
bars = [progress_bar(total=3, desc=f"bar {i}", position=i, leave=False) for i in range(30)]
shot()
for bar in bars: bar.close()
print("done")
""",
        rows=10,
    )
    assert len(seen.shots[0]) == 8
    assert seen.shots[0][-1] == "... 23 more bars"
    assert seen.lines == ["done"]


def test_threads_each_have_a_bar(terminal):
    seen = terminal(
        """
started = threading.Barrier(4)
def work(name):
    for i in progress_bar(range(20), desc=name):
        if i == 3: started.wait(); started.wait()
threads = [threading.Thread(target=work, args=(f"worker {k}",)) for k in range(3)]
for t in threads: t.start()
started.wait(); shot(); started.wait()
for t in threads: t.join()
"""
    )
    assert sorted(line[2:10] for line in seen.shots[0]) == ["worker 0", "worker 1", "worker 2"]
    assert all("3/20" in line for line in seen.shots[0])
    assert sorted(line[:10] for line in seen.lines) == ["✓ worker 0", "✓ worker 1", "✓ worker 2"]


def test_bars_in_their_explicit_order(terminal):
    seen = terminal(
        """
second = progress_bar(total=3, desc="second", position=1)
first = progress_bar(total=3, desc="first", position=0)
shot()
second.close(); first.close()
"""
    )
    assert [line.split()[1] for line in seen.shots[0]] == ["first", "second"]


def test_beside_rich_and_tqdm(terminal):
    pytest.importorskip("tqdm")
    seen = terminal(
        """
from rich.console import Console
from rich.live import Live
from tqdm import tqdm
console = Console()
for i in progress_bar(range(2), desc="ours"):
    console.print("[bold]rich[/bold]")
    with Live("live", console=console): pass
    for j in tqdm(range(2), desc="theirs"): pass
print("done")
"""
    )
    assert seen.code == 0
    assert seen.lines.count("rich") == 2
    assert seen.lines[-1] == "done"


def test_a_child_draws_nothing_and_its_prints_come_above(terminal):
    seen = terminal(
        """
for i in progress_bar(range(2), desc="Work"):
    shot()
    child = os.fork()
    if child == 0:
        print("from the child")
        for _ in progress_bar(range(3), desc="child's"): pass
        os._exit(0)
    os.waitpid(child, 0)
    shot()
"""
    )
    assert "child's" not in seen.text
    assert seen.lines.count("from the child") == 2
    assert seen.lines[-1].startswith("✓ Work")
    assert len(seen.lines) == 3


def test_a_child_from_before_the_first_frame_prints_above_the_bars_too(terminal):
    """It knows what its parent has drawn meanwhile."""
    seen = terminal(
        """
reads, writes = os.pipe()
for i in progress_bar(range(1), desc="Work"):
    if os.fork() == 0:
        os.read(reads, 1)
        print("from the child")
        os._exit(0)
    shot()
    os.write(writes, b"!")
    os.wait()
    shot()
"""
    )
    assert [line.split("  ")[0] for line in seen.shots[-1]] == ["from the child", seen.shots[-1][-1].split("  ")[0]]
    assert [line.split("  ")[0] for line in seen.lines] == ["from the child", "✓ Work"]


def test_a_class_that_shows_itself(terminal):
    seen = terminal(
        """
class Mine(progress_bar):
    def display(self, msg=None, pos=None):
        shown.append(self.n)
shown = []
for i in Mine(range(3)): pass
print(shown[-1])
"""
    )
    assert seen.lines == ["3"]


def test_a_look_that_fails_is_replaced(terminal):
    seen = terminal(
        """
import logging
logging.basicConfig()
from tipi_plugins.progress.look import ColourLook
def broken(*_): raise RuntimeError("no look")
ColourLook.draw = broken
for i in progress_bar(range(3), desc="Work"): shot()
"""
    )
    assert seen.code == 0
    assert "Work: 100%" in seen.text
    assert "the progress look failed: no look" in seen.text


def test_without_the_plugin_the_text_is_tqdms(terminal):
    seen = terminal(NESTED, TIPI_BLOCK="progress")
    assert seen.lines[-1].startswith("Epochs: 100%|███")
