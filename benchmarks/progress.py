"""What a bar costs: the bare loop, tqdm, Rich, alive-progress and tipi side by side.

Run it with ``python benchmarks/progress.py``; ``--quick`` leaves the slow ones out. Every figure is the
median of interleaved runs, in nanoseconds of processor time (all threads of the process, so that neighbours on the
cores disturb little) for each item over the bare loop, and as a ratio to tqdm's.
"""

from __future__ import annotations

import os
import pty
import statistics
import sys
import threading
import time

sys.path.pop(0)  # this file's folder: `logging.py` in it would hide the standard library's

from collections.abc import Callable, Iterable
from typing import Any

from tipi.helpers import progress_bar
from tipi_core.run import Run, activate

ROUNDS = int(os.environ.get("ROUNDS", "11"))
ITEMS = int(os.environ.get("ITEMS", "300000"))
INNER = int(os.environ.get("INNER", "10000"))
Bar = Callable[[Any], Iterable[Any]]


def open_terminal() -> Any:
    """Return a terminal of 100 columns that somebody reads, and make it stderr."""
    mine, theirs = pty.openpty()

    def drain() -> None:
        while os.read(mine, 1 << 16):
            pass

    threading.Thread(target=drain, daemon=True).start()
    os.environ.setdefault("TERM", "xterm-256color")
    return os.fdopen(theirs, "w", buffering=1)


def bars() -> dict[str, Bar]:
    """Return every bar that is installed, the bare loop first."""
    found: dict[str, Bar] = {"bare": lambda source: source, "tipi": progress_bar}
    try:
        from tqdm import tqdm

        found["tqdm"] = tqdm
    except ImportError:
        sys.exit("tqdm is not installed: nothing to compare with")
    if "--quick" not in sys.argv:
        found |= others()
    return found


def others() -> dict[str, Bar]:
    """Return the slow ones."""
    import warnings

    found: dict[str, Bar] = {}
    from rich.console import Console
    from rich.progress import track

    console = Console(file=sys.stderr, force_terminal=True)
    found["rich.track"] = lambda source: track(source, console=console)
    try:
        from tqdm.rich import tqdm as tqdm_rich

        def quiet(source: Any) -> Any:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return tqdm_rich(source, options={"console": console})

        found["tqdm.rich"] = quiet
    except ImportError:
        pass
    try:
        from alive_progress import alive_it

        found["alive"] = lambda source: alive_it(source, file=sys.stderr)
    except ImportError:
        pass
    return found


def generator() -> Iterable[int]:
    yield from range(ITEMS)


class Own:
    """What a data loader is: a class with a ``__next__`` in Python."""

    def __init__(self) -> None:
        self._left = ITEMS

    def __iter__(self) -> Own:
        return self

    def __next__(self) -> int:
        if not self._left:
            raise StopIteration
        self._left -= 1
        return self._left


SOURCES: dict[str, Callable[[], Any]] = {
    "range": lambda: range(ITEMS),
    "list": lambda data=list(range(ITEMS)): data,
    "tuple": lambda data=tuple(range(ITEMS)): data,
    "dict": lambda data={i: i for i in range(ITEMS)}: data,
    "generator": generator,
    "zip": lambda: zip(range(ITEMS), strict=False),
    "map": lambda: map(abs, range(ITEMS)),
    "own iterator": Own,
}


def walk(bar: Bar, source: Any) -> None:
    for _ in bar(source):
        pass


def nested(bar: Bar) -> None:
    for _ in bar(range(100)):
        for _ in bar(range(INNER)):
            pass


def by_hand(bar: Any) -> None:
    if bar is None:
        for _ in range(ITEMS):
            pass
        return
    with bar(total=ITEMS) as opened:
        update = opened.update
        for _ in range(ITEMS):
            update(1)


def seconds(work: Callable[[], None]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def compare(works: dict[str, Callable[[], None]], rounds: int = ROUNDS) -> dict[str, float]:
    """Return the median processor seconds of every work, run in turns."""
    taken: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            taken[name].append(seconds(work))
    return {name: statistics.median(runs) for name, runs in taken.items()}


def report(title: str, medians: dict[str, float], items: int) -> None:
    """Print nanoseconds for each item over the bare loop, and ratios to tqdm."""
    bare = medians.pop("bare")
    costs = {name: (median - bare) / items * 1e9 for name, median in medians.items()}
    base = costs.get("tqdm")
    cells = [f"{name} {cost:8.1f}" + (f" ({cost / base:5.2f})" if base else "") for name, cost in costs.items()]
    print(f"{title:22s} bare {bare / items * 1e9:6.1f}   " + "   ".join(cells), file=sys.__stdout__, flush=True)


def creation(found: dict[str, Bar]) -> None:
    """Print the microseconds that opening and closing a bar takes, alone and inside an outer one."""

    def many(bar: Any) -> None:
        for _ in range(200):
            bar(total=5, leave=False).close()

    def inside(bar: Any) -> float:
        with bar(total=1, leave=False):
            return seconds(lambda: many(bar))

    for title, measure in (
        ("open + close, us", lambda bar: seconds(lambda: many(bar))),
        ("... inside another", inside),
    ):
        costs: dict[str, list[float]] = {"tqdm": [], "tipi": []}
        for _ in range(ROUNDS * 2):
            for name, runs in costs.items():
                runs.append(measure(found[name]) / 200 * 1e6)
        tqdm, tipi = (statistics.median(runs) for runs in costs.values())
        print(f"{title:22s} tqdm {tqdm:7.1f}   tipi {tipi:7.1f}   ratio {tipi / tqdm:.2f}", file=sys.__stdout__)


def drawing() -> None:
    """Print what the drawing thread takes from a loop that computes: at ten times the frames, divided by ten."""
    from tipi_core.progress import configure_display
    from tipi_core.run import current_run

    def compute() -> None:
        total = 0
        for i in range(ITEMS * 20):
            total += i * i % 7

    def beside() -> None:
        with progress_bar(total=1, leave=False):
            compute()

    configure_display(current_run(), refresh=100)
    medians = compare({"bare": compute, "bare again": compute, "beside": beside}, max(5, ROUNDS // 2))
    configure_display(current_run(), refresh=10)
    share = [100 * (medians[name] / medians["bare"] - 1) for name in ("beside", "bare again")]
    print(
        f"drawing thread: {share[0] / 10:.2f} % at 10 frames a second (bare against bare {share[1]:.2f} %)",
        file=sys.__stdout__,
    )


FIRST = """
import sys, time
{imports}
class Seen:
    encoding = "utf-8"
    def fileno(self): return 2
    def isatty(self): return True
    def flush(self): pass
    def write(self, text):
        if {word!r} in text and not shown:
            shown.append(time.process_time())
shown = []
bar = {bar}
while not shown: time.sleep(0.001)
print(shown[0])
"""
FIRST_FRAMES = {
    "bare interpreter": "",
    "tqdm": ("from tqdm import tqdm", "tqdm(range(9), desc='Work', file=Seen())"),
    "tipi": ("from tipi.helpers import progress_bar", "progress_bar(range(9), desc='Work', file=Seen())"),
}


def first_frame() -> None:
    """Print the processor milliseconds until the first frame, and those without the bare interpreter."""
    import subprocess

    taken: dict[str, list[float]] = {name: [] for name in FIRST_FRAMES}
    for _ in range(ROUNDS):
        for name, parts in FIRST_FRAMES.items():
            code = FIRST.format(imports=parts[0], bar=parts[1], word="Work") if parts else "import sys, time"
            code += "" if parts else "\nprint(time.process_time())"
            command = [sys.executable, "-c", code]
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=sys.stderr, text=True, check=True)
            taken[name].append(float(done.stdout.split()[0]) * 1000)
    medians = {name: statistics.median(runs) for name, runs in taken.items()}
    base = medians.pop("bare interpreter")
    cells = [f"{name} {median:5.0f} ({median - base:4.0f})" for name, median in medians.items()]
    title = f"first frame, ms (less a bare interpreter's {base:.0f}):"
    print(title, "   ".join(cells), file=sys.__stdout__, flush=True)


def main() -> None:
    """Print all figures."""
    sys.stderr = open_terminal()
    found = bars()
    for title, source in SOURCES.items():
        report(title, compare({name: (lambda b=bar, s=source: walk(b, s())) for name, bar in found.items()}), ITEMS)
    quick = {name: bar for name, bar in found.items() if name in ("bare", "tqdm", "tipi")}
    loops = compare({name: (lambda b=bar: nested(b)) for name, bar in quick.items()})
    report(f"nested 100 x {INNER}", loops, 100 * INNER)
    hands = {name: (lambda b=bar: by_hand(None if b is quick["bare"] else b)) for name, bar in quick.items()}
    report("update(1)", compare(hands), ITEMS)
    with activate(Run("benchmark")) as run:
        run.handles_signals = True
        report("range, signals", compare({n: (lambda b=bar: walk(b, range(ITEMS))) for n, bar in quick.items()}), ITEMS)
    creation(quick)
    drawing()
    first_frame()


if __name__ == "__main__":
    main()
