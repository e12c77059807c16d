"""The example plugin: installed by pip beside tipi, its own tests pass and a pipeline uses its types."""

import json
import os
import re
import shutil
from pathlib import Path

import pytest

from tests.plugins.installing import install

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "tipi-hello"


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    source = tmp_path_factory.mktemp("example") / EXAMPLE.name
    shutil.copytree(EXAMPLE, source, ignore=shutil.ignore_patterns("build", "*.egg-info", "__pycache__"))
    return source, os.fspath(install(tmp_path_factory.mktemp("installed"), source))


def test_it_is_listed_with_what_it_provides(installed, cli):
    rows = {row["name"]: row for row in json.loads(cli("plugins", "--json", PYTHONPATH=installed[1]).out)}
    assert (rows["hello"]["package"], rows["hello"]["version"]) == ("tipi-hello", "0.1.0")
    assert (rows["hello"]["status"], rows["hello"]["cause"]) == ("ok", None)
    assert rows["hello"]["provides"] == ["tipi_register", "permanence Phrasebook", "process GreetingProcess"]


def test_its_readme_holds_a_pipeline_that_runs(installed, cli, tipi_project):
    (config,) = re.findall(r"```toml\n(.*?)```", (EXAMPLE / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    tipi_project.write("configs/hello.toml", config)
    done = cli("run", "hello", "--json", cwd=tipi_project.path, PYTHONPATH=installed[1])
    assert done.code == 0, done.err
    assert json.loads(done.out)["processes"]["greeting"]["result"]["greetings"] == ["Bonjour Ada", "Bonjour Alan"]


def test_its_command_is_listed_and_works(installed, cli):
    done = cli("--help", PYTHONPATH=installed[1])
    assert re.search(r"^  hello +Greet somebody\.$", done.out, re.MULTILINE)
    done = cli("hello", "Ada", "--language", "fr", PYTHONPATH=installed[1])
    assert (done.code, done.out) == (0, "Bonjour Ada\n"), done.err


def test_its_own_tests_pass(installed, python):
    done = python("-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=installed[0], PYTHONPATH=installed[1])
    assert done.code == 0, done.out + done.err
    assert "4 passed" in done.out
