"""The table in docs/progress.md: no public name of tqdm without a row, no row without a proof."""

import inspect
import io
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

pytest.importorskip("tqdm")
from tqdm import tqdm
from tqdm.asyncio import tqdm as tqdm_asyncio

from tests.progress import rows_asynchronous, rows_methods  # noqa: F401 - fills the table of programs
from tests.progress.every_row import steady
from tests.progress.rows_keywords import ROWS
from tipi.helpers import progress_bar

PAGE = Path(__file__).resolve().parents[2] / "docs" / "progress.md"
ROWS_PROGRAM = Path(__file__).with_name("every_row.py")
SPECIAL = {
    "__iter__": "`for item in bar`", "__enter__": "`with bar`", "__exit__": "`with bar`", "__len__": "`len(bar)`",
    "__bool__": "`bool(bar)`", "__contains__": "`item in bar`", "__reversed__": "`reversed(bar)`",
    "__str__": "`str(bar)`", "__hash__": "`hash(bar)`", "__del__": "a bar that is dropped",
    **dict.fromkeys(["__lt__", "__le__", "__eq__", "__ne__", "__gt__", "__ge__"], "`==`, `!=`, `<`, `<=`, `>`, `>=`"),
}  # fmt: skip


def table():
    """Return what the page says of every name: ``same``, or what differs and why."""
    section = PAGE.read_text(encoding="utf-8").partition("## Compatibility")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (.+?) \| (same|differs) \| (.*) \|$", section, re.MULTILINE)
    names = [name for name, _, _ in rows]
    assert len(names) == len(set(names))
    return {name: (verdict, note) for name, verdict, note in rows}


TABLE = table()
SAME = [name for name, (verdict, _) in TABLE.items() if verdict == "same"]
DIFFERING = [name for name, (verdict, _) in TABLE.items() if verdict == "differs"]


def test_every_public_name_of_tqdm_has_a_row():
    keywords = list(inspect.signature(tqdm.__init__).parameters)[1:]
    wanted = {f"`{name}=`" for name in keywords if name != "kwargs"} | {"unknown keywords", "`trange()`"}
    bar = tqdm(range(3), file=io.StringIO())
    wanted |= {f"`.{name}`" for name in vars(bar) if not name.startswith("_")}
    bar.close()
    for name in dir(tqdm_asyncio):
        if name.startswith("_") or name in vars(bar):
            continue
        value = inspect.getattr_static(tqdm_asyncio, name)
        called = callable(value) or isinstance(value, (staticmethod, classmethod))
        wanted.add(f"`{name}()`" if called else f"`{name}`")
    kinds = tqdm.__mro__[:-1]
    own = {name for kind in kinds for name, value in vars(kind).items() if name.startswith("__") and callable(value)}
    wanted |= {SPECIAL[name] for name in own - {"__init__", "__new__"}} | {"`async for item in bar`"}
    assert wanted == set(TABLE)


def test_every_row_has_its_proof():
    tests = {name.removeprefix("test_differs_") for name in globals() if name.startswith("test_differs_")}
    assert set(SAME) == set(ROWS)
    assert {re.sub(r"\W", "", name) for name in DIFFERING} == tests
    assert all(len(note) > 10 for verdict, note in TABLE.values() if verdict == "differs")


@pytest.mark.parametrize("name", SAME)
def test_the_same_program(name, capsys):
    """What the program returns, what it prints on stdout, and the last line of each bar in a file."""
    program = ROWS[name]
    if "needs" in program.options:
        pytest.importorskip(program.options["needs"])
    other = tqdm_asyncio if program.options.get("asynchronous") else tqdm
    results = []
    for base in (other, progress_bar):
        bar = into_a_file(base)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = program(bar)
        out, err = capsys.readouterr()
        lines = settled(bar.target.getvalue()) if program.options.get("prints", True) else None
        results.append((value, out, err, lines))
    assert steady(repr(results[1])) == steady(repr(results[0]))


def into_a_file(base):
    """Return a class of bars that write to a file of their own unless told otherwise."""

    class Quiet(base):
        target = io.StringIO()

        def __init__(self, *args, **kwargs):
            kwargs.setdefault("file", self.target)
            super().__init__(*args, **kwargs)

    return Quiet


def settled(text):
    """Return the lines as they end up, without colours, times and rates."""
    lines = [re.sub(r"\x1b\[[\d;]*[A-Za-z]", "", line).split("\r")[-1].rstrip() for line in text.split("\n")]
    return [steady(line) for line in lines if line]


def test_differs_n():
    ours, theirs = into_a_file(progress_bar)(range(50)), into_a_file(tqdm)(range(50), mininterval=100)
    assert [ours.n for _ in ours] == list(range(50))
    assert [theirs.n for _ in theirs] == [0] * 50
    assert ours.n == theirs.n == 50


def test_differs_last_print_n():
    ours, theirs = into_a_file(progress_bar)(range(50), mininterval=0), into_a_file(tqdm)(range(50), mininterval=0)
    assert {ours.last_print_n for _ in ours} == {0}
    assert [theirs.last_print_n for _ in theirs] == list(range(50))
    by_hand = [into_a_file(base)(total=5, mininterval=0, miniters=1) for base in (progress_bar, tqdm)]
    assert [(bar.update(2), bar.last_print_n) for bar in by_hand] == [(True, 2), (True, 2)]


def test_differs_nrows():
    for base, line in ((progress_bar, "100%|##########| 3/3"), (tqdm, " ... (more hidden) ...")):
        bar = into_a_file(base)
        assert list(bar(range(3), nrows=1)) == [0, 1, 2]
        assert settled(bar.target.getvalue())[-1].startswith(line)


def test_nrows_on_a_terminal(terminal):
    """As many lines as asked for, the last of which says how many bars are hidden."""
    seen = terminal("bars = [progress_bar(total=1, desc=f'bar {i}', nrows=2) for i in range(4)]\nshot()\n")
    (shot,) = seen.shots
    assert len(shot) == 2
    assert "bar 0" in shot[0]
    assert shot[1] == "... 3 more bars"


def test_every_row_on_a_terminal(terminal, tmp_path):
    """What programs return on a terminal is the same, and so is the screen that they leave, but for times."""
    results = []
    for kind in ("tqdm", "tipi"):
        out = tmp_path / kind
        seen = terminal(run_rows(kind, "printing"), rows=600, stdout=out, prelude="")
        assert seen.code == 0
        results.append((out.read_text(), [steady(line) for line in seen.lines]))
    assert len(results[0][1]) > 100
    assert results[1] == results[0]


def test_every_row_with_its_streams_in_files(tmp_path):
    results = []
    for kind in ("tqdm", "tipi"):
        with open(tmp_path / kind, "wb") as out, open(tmp_path / "err", "wb") as err:
            subprocess.run([sys.executable, ROWS_PROGRAM, kind], stdout=out, stderr=err, check=True)
        results.append((tmp_path / kind).read_text())
    assert len(results[0].splitlines()) > 80
    assert results[1] == results[0]


def run_rows(*arguments):
    return (
        f"import runpy, sys\nsys.argv[1:] = {arguments!r}\nrunpy.run_path({str(ROWS_PROGRAM)!r}, run_name='__main__')"
    )


FORMATS = """
import sys
from {module} import {name} as bar
text = "{{desc}}:{{percentage:3.0f}}%|{{bar}}|{{n_fmt}}/{{total_fmt}}{{postfix}}"
for keywords in (
    {{"ncols": 40}}, {{"ascii": True, "ncols": 50}}, {{"ascii": " .oO", "ncols": 30}}, {{"desc": "漢字", "ncols": 60}},
    {{"unit_scale": True, "total": 5000}}, {{"postfix": {{"b": 1, "a": 0.5}}}}, {{"initial": 2, "total": 9}},
    {{"leave": False}},
    {{"unit_scale": 1024, "unit_divisor": 1024}}, {{"dynamic_ncols": True}}, {{"colour": "green", "ncols": 45}},
    {{"delay": 60}},
):
    for i in bar(range(5), bar_format=text, mininterval=0, **keywords):
        pass
    print("after", sorted(keywords))
with bar(total=10, bar_format=text, ncols=70) as opened:
    opened.set_description("by hand")
    opened.update(4)
    opened.set_postfix(loss=0.25)
    bar.write("written")
print("end")
"""


def test_the_same_screen(terminal):
    """All that shapes tqdm's text, on a pseudo-terminal: the screen at the end is the same, cell by cell."""
    screens = []
    for module, name in (("tqdm", "tqdm"), ("tipi.helpers", "progress_bar")):
        seen = terminal(FORMATS.format(module=module, name=name), rows=60)
        assert seen.code == 0
        screens.append(seen.screen)
    theirs, ours = screens
    assert ours.display == theirs.display
    cells = [[(cell.data, cell.fg) for cell in row.values() if cell.data.strip()] for row in ours.buffer.values()]
    assert any(fg == "green" for row in cells for _, fg in row)


def test_the_same_streams_in_files(tmp_path):
    """stdout is the same byte for byte; each bar leaves the same last line in stderr."""
    results = []
    for module, name in (("tqdm", "tqdm"), ("tipi.helpers", "progress_bar")):
        command = [sys.executable, "-c", FORMATS.format(module=module, name=name)]
        with open(tmp_path / "out", "wb") as out, open(tmp_path / "err", "wb") as err:
            subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, check=True)
        results.append(((tmp_path / "out").read_bytes(), settled((tmp_path / "err").read_bytes().decode())))
    assert results[0] == results[1]
