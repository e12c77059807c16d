"""The twins hold the guide's lines, character for character."""

import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
BLOCKS = re.findall(r"^## ([^\n]+)\n\n```\w+\n(.*?)\n```$", (HERE / "seed_lines.txt").read_text("utf-8"), re.S | re.M)
FILES = {name: text for name, text in BLOCKS if not name.endswith("$")}

FILES["level5_packaged/my_pipeline/processes/training.py"] = FILES["level5/processes/training.py"].partition("\n")[2]
FILES["month1/train_utils.py"] = FILES["week2/train_utils.py"]
FILES["month1/experiment_v4.py"] = FILES["week2/experiment_v4.py"]
CONFIG = "configs/my_pipeline/execute_pipeline.toml"
FILES |= {f"{twin}/{CONFIG}": FILES[f"level5/{CONFIG}"] for twin in ("level5_packaged", "level5_typed")}


def test_the_list_names_every_level():
    assert {name.partition("/")[0] for name in FILES} >= {"level0", "level1", "level2", "level3", "level4", "level5"}


@pytest.mark.parametrize("name", FILES)
def test_the_lines_stand_in_the_twin_in_their_order(name):
    twin = iter((HERE / "projects" / name).read_text("utf-8").split("\n"))
    for line in FILES[name].split("\n"):
        assert line in twin, f"{name} lacks, or has elsewhere: {line!r}"
