"""Run the programs of all rows on one class of bars: ``python every_row.py tqdm|tipi [printing]``.

Bars go to stderr, each in a text that is tqdm's exactly; what a program returned goes to stdout, a line each. With
``printing`` only those run that leave the same lines behind.
"""

import re
import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.progress import rows_asynchronous, rows_methods  # noqa: F401 - fills the table of programs
from tests.progress.rows_keywords import ROWS

TEXT = "{desc}:{percentage:3.0f}%|{bar:10}|{n_fmt}/{total_fmt}{postfix}"


def class_of(kind, asynchronous):
    """Return the class under test, with a text without times."""
    if kind == "tipi":
        from tipi.helpers import progress_bar as base
    elif asynchronous:
        from tqdm.asyncio import tqdm as base
    else:
        from tqdm import tqdm as base

    class Timeless(base):
        def __init__(self, *args, **kwargs):
            if not kwargs.get("gui"):
                kwargs.setdefault("bar_format", TEXT)
            super().__init__(*args, **kwargs)

    return Timeless


def steady(text):
    """Return text without times and rates."""
    text = re.sub(r"\d+:\d\d", "T", text)
    return re.sub(r"[\d.?]+[kMGT]?(?=[^\d,\]]*/s)|[\d.?]+(?=s/\S)|0x[0-9a-f]+", "R", text)


def main(kind, which="all"):
    """Run the programs."""
    warnings.simplefilter("ignore")
    for name, program in ROWS.items():
        options = program.options
        if "needs" not in options and (which == "all" or options.get("prints", True)):
            print(f"{name}: {steady(repr(program(class_of(kind, options.get('asynchronous')))))}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
