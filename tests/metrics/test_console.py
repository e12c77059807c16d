"""What the logger says on the console: seldom, and one table at the end."""

import re
import sys

import pytest

from tests.docs.screen import lines_of, run_on_terminal

TRAIN = """
import sys, time
from tipi.helpers import logger
logger.init(mode="disabled")
end = time.monotonic() + float(sys.argv[1])
step = 0
while time.monotonic() < end:
    logger.log({"loss": 1 / (1 + step), "epoch": step // 100})
    step += 1
    time.sleep(0.01)
"""


@pytest.fixture
def train(tmp_path):
    (tmp_path / "train.py").write_text(TRAIN)
    return tmp_path


def test_on_a_terminal_there_is_a_line_a_second_at_most(train):
    code, screen = run_on_terminal([sys.executable, "train.py", "2.7"], train, columns=120)
    lines = [text.plain.rstrip() for text in lines_of(screen)]
    assert code == 0, lines
    assert 1 <= sum(line.startswith("tipi: step ") for line in lines) <= 2
    (loss,) = [line for line in lines if line.startswith("tipi: loss ")]
    assert re.fullmatch(r"tipi: loss  +1 +[\d.]+ +[\d.]+ +█[▁▂▃▄▅▆▇█]+", loss)
    (head,) = [line for line in lines if line.startswith("tipi: metric")]
    assert head.split()[2:] == ["first", "last", "best"]


def test_numbers_of_any_size_have_a_place_in_the_table(python, tmp_path):
    (tmp_path / "train.py").write_text(
        "from tipi.helpers import logger\n"
        "for value in (1, 10**400, -10**400, 1.7e308, float('nan')):\n    logger.log({'x': value})\n"
    )
    done = python("train.py", TIPI_PLUGINS="")
    assert done.code == 0
    assert "failed" not in done.err
    (row,) = [line for line in done.err.splitlines() if line.startswith("tipi: x ")]
    assert row.endswith("█")


def test_off_a_terminal_there_is_a_line_in_ten_seconds_at_most(train, python):
    done = python("train.py", "1.5", TIPI_PLUGINS="")
    assert done.code == 0
    assert "tipi: step " not in done.err
    (epoch,) = [line.split() for line in done.err.splitlines() if line.startswith("tipi: epoch ")]
    assert epoch[2] == "0"
    assert len(epoch) == 5  # first, last, no best, and the curve
