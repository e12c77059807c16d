"""What is declared in ``pyproject.toml``, what lies on disk and what is installed are the same."""

import tomllib
from importlib.metadata import distribution
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]
TABLES = {**PROJECT["entry-points"], "console_scripts": PROJECT["scripts"]}
PACKAGES = ("tipi", "tipi_core", "tipi_plugins")

WITHOUT_POSIX = """
import importlib, os, pkgutil, signal, sys

for module in ("torch", "numpy", "click", "rich.live", "msgspec", "pluggy", "pytest", "asyncio", "multiprocessing"):
    try:
        importlib.import_module(module)
    except ModuleNotFoundError:
        pass

ABSENT = ("fcntl", "termios", "tty", "pwd", "grp", "pty", "resource")

class Windows:
    def find_spec(self, name, path=None, target=None):
        if name in ABSENT:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Windows())
for name in ABSENT:
    sys.modules.pop(name, None)
del os.fork, os.register_at_fork, os.getuid, os.killpg, os.uname
del signal.SIGHUP, signal.SIGALRM, signal.SIGUSR1, signal.SIGKILL

for package in ("tipi", "tipi_core", "tipi_plugins"):
    for found in pkgutil.walk_packages([os.path.join(ROOT, package)], package + "."):
        if found.name == "tipi.__main__":
            continue
        try:
            importlib.import_module(found.name)
        except ModuleNotFoundError as error:
            if error.name.partition(".")[0] not in ("torch", "numpy", "torchvision", "timm", "wandb", "pynvml"):
                raise
        print(found.name)
"""


def test_entry_points_are_installed_as_declared():
    installed = {}
    for entry in distribution("torch-tipi").entry_points:
        installed.setdefault(entry.group, {})[entry.name] = entry.value
    hint = "entry points changed: run  pip install -e .  again, nobody sees them before"
    assert installed == TABLES, hint


def test_every_entry_point_leads_somewhere():
    for group, table in TABLES.items():
        for name, value in table.items():
            module, _, attribute = value.partition(":")
            spec = find_spec(module)
            assert spec is not None, f"{group}: {name} = {value}"
            if attribute.endswith(".toml"):
                assert any((Path(folder) / attribute).is_file() for folder in spec.submodule_search_locations)


def test_every_plugin_folder_is_an_entry_point():
    declared = {value.split(".")[1] for value in TABLES["tipi"].values()}
    folders = {path.parent.name for path in (ROOT / "tipi_plugins").glob("*/__init__.py")}
    assert declared == folders


def test_devices_are_one_entry_point_each():
    assert {TABLES["tipi"][name] for name in ("cpu", "cuda", "mps", "xpu")} == {
        f"tipi_plugins.devices.{name}" for name in ("cpu", "cuda", "mps", "xpu")
    }


def test_the_package_list_is_what_lies_on_disk():
    on_disk = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for package in PACKAGES
        for path in (ROOT / package).rglob("__init__.py")
    }
    listed = PYPROJECT["tool"]["setuptools"]["packages"]
    assert listed == sorted(on_disk)


def test_every_module_lies_in_a_listed_package():
    listed = PYPROJECT["tool"]["setuptools"]["packages"]
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            assert ".".join(path.parent.relative_to(ROOT).parts) in listed, path


def test_the_types_are_marked_as_there():
    for package in PACKAGES:
        assert (ROOT / package / "py.typed").is_file()
        assert "py.typed" in PYPROJECT["tool"]["setuptools"]["package-data"][package]


def test_the_installed_version_is_the_declared_one():
    assert distribution("torch-tipi").version == PROJECT["version"], "run  pip install -e .  again"


def test_everything_imports_where_the_system_is_no_posix(python):
    done = python("-c", f"ROOT = {str(ROOT)!r}\n{WITHOUT_POSIX}", cwd=ROOT)
    assert done.code == 0, done.err
    assert {"tipi.helpers", "tipi_core.records.lock", "tipi_plugins.wandb.relay"} <= set(done.out.split())
