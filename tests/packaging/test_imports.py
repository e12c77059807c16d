"""What is imported when: the face costs nothing, the helpers little, and no command pays for what it does not use."""

import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OWN = ("tipi", "tipi_core", "tipi_plugins")

# What the helpers may bring of the standard library; each of these brings more, which is allowed with it.
HELPERS = "__future__, contextlib, contextvars, dataclasses, functools, itertools, pathlib, threading, typing"
ROOMS = {"devices", "errors", "metrics", "progress", "run"}

# The plugins' own modules: light, since every command loads them.
PLUGINS = {
    "tipi_plugins",
    "tipi_plugins.builtin",
    "tipi_plugins.builtin.known",  # what checks the names of models and the like
    "tipi_plugins.builtin.packages",
    "tipi_plugins.devices",
    "tipi_plugins.devices.cpu",
    "tipi_plugins.devices.cuda",
    "tipi_plugins.devices.mps",
    "tipi_plugins.devices.xpu",
    "tipi_plugins.progress",
    "tipi_plugins.reports",
    "tipi_plugins.tensorboard",
    "tipi_plugins.wandb",
}


@pytest.fixture
def loaded(python):
    """Return what a statement loads in an interpreter that sees the standard library and this folder, nothing else."""

    def load(statement):
        code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); {statement}; print(*sys.modules)"
        done = python("-I", "-S", "-c", code)
        assert done.code == 0, done.err
        return set(done.out.split())

    return load


@pytest.fixture
def imported(python):
    """Return what a command line loads beyond an empty interpreter, as ``-X importtime`` tells it."""

    def run(*arguments, **options):
        done = python("-X", "importtime", *arguments, **options)
        assert done.code == 0, done.err
        assert "import time:" in done.err
        return set(re.findall(r"^import time: +\d+ \| +\d+ \| +([\w.]+)$", done.err, re.MULTILINE))

    return lambda *arguments, **options: run(*arguments, **options) - run("-c", "pass")


def third_party(modules):
    tops = {name.partition(".")[0] for name in modules}
    return tops - set(sys.stdlib_module_names) - set(OWN) - {"org"}  # Jython's, which `copy` looks for


def test_the_face_loads_itself_and_typing(loaded):
    assert loaded("import tipi") == loaded("import __future__, typing") | {"tipi"}


def test_the_face_for_plugins_loads_no_more(loaded):
    assert loaded("import tipi.plugin") == loaded("import __future__, typing") | {"tipi", "tipi.plugin"}


def test_the_face_is_as_light_with_everything_installed(imported):
    assert third_party(imported("-c", "import tipi")) == set()
    assert "tipi_core" not in imported("-c", "import tipi")


def test_the_helpers_load_a_few_rooms_and_little_else(loaded):
    modules = loaded("from tipi.helpers import progress_bar, logger, device_manager")
    allowed = loaded(f"import {HELPERS}")
    foreign = {name for name in modules - allowed if name.partition(".")[0] not in OWN}
    assert foreign == set()
    rooms = {name.split(".")[1] for name in modules if name.startswith("tipi_core.")}
    assert rooms == ROOMS
    assert not any(name.startswith("tipi_plugins") for name in modules)


@pytest.mark.parametrize(
    ("arguments", "allowed"),
    [
        (["--help"], {"click"}),
        (["--version"], {"click"}),
        (["list"], {"click", "pluggy", "msgspec", "typing_extensions"}),  # it checks what it lists
        (["plugins"], {"click", "pluggy"}),
        (["info"], {"click", "pluggy", "pynvml"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_command_loads_no_heavy_library(imported, tipi_project, arguments, allowed):
    tipi_project.write("parts.py", "from tipi import pipeline_process\n\n@pipeline_process\ndef go(): pass\n")
    tipi_project.write("configs/go.toml", "[processes.go]\ntype = 'go'\n")
    modules = imported("-m", "tipi", *arguments, cwd=tipi_project.path)
    assert third_party(modules) <= allowed
    assert {name for name in modules if name.startswith("tipi_plugins")} <= PLUGINS
    assert "parts" not in modules


def test_help_and_version_load_no_plugin(imported):
    for option in ("--help", "--version"):
        modules = imported("-m", "tipi", option)
        assert not any(name.startswith(("tipi_plugins", "tipi_core.plugins")) for name in modules)


def test_a_pipeline_that_uses_no_library_loads_none(imported, tipi_project):
    tipi_project.write("parts.py", "from tipi import pipeline_process\n\n@pipeline_process\ndef go(): return 1\n")
    tipi_project.write("configs/go.toml", "seed = 1\n\n[processes.go]\ntype = 'go'\n")
    modules = imported("-m", "tipi", "run", "go", cwd=tipi_project.path)
    assert third_party(modules) <= {"click", "pluggy", "msgspec", "tomlkit", "typing_extensions"}
    assert {name for name in modules if name.startswith("tipi_plugins")} <= PLUGINS
