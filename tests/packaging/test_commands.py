"""The commands that the README promises are the ones that are checked."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_ci_runs_the_test_command_of_the_readme_and_nothing_hidden():
    (readme,) = re.findall(r"^python3 -m venv .*pytest.*$", (ROOT / "README.md").read_text(), re.MULTILINE)
    script = (ROOT / ".ci" / "run").read_text().replace(" -q ", " ")
    commands = [line for line in script.splitlines() if line and not line.startswith(("#", "set ", "cd "))]
    assert commands == [readme]
    assert readme in (ROOT / "CONTRIBUTING.md").read_text()


def test_the_quickstart_in_configs_is_the_packaged_one():
    packaged = ROOT / "tipi_plugins" / "builtin" / "pipelines" / "quickstart.toml"
    assert (ROOT / "configs" / "quickstart" / "pipeline.toml").read_bytes() == packaged.read_bytes()
