"""Plugins as distributions: folders with a ``pyproject.toml``, installed by pip into a folder of their own."""

import subprocess
import sys
from pathlib import Path
from textwrap import dedent

PYPROJECT = """
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "tipi-{name}"
version = "{version}"

[project.entry-points.tipi]
{entry} = "tipi_{name}"

[tool.setuptools]
py-modules = [{modules}]
"""


def write_plugin(folder: Path, name: str, source: str, version="1.0", entry=None, **parts: str) -> Path:
    """Write the distribution ``tipi-NAME`` whose plugin is the module ``tipi_NAME``; ``parts`` are more modules."""
    root = folder / name
    root.mkdir(parents=True)
    modules = {f"tipi_{name}": source, **parts}
    listed = ", ".join(f'"{module}"' for module in modules)
    text = PYPROJECT.format(name=name, version=version, entry=entry or name, modules=listed)
    (root / "pyproject.toml").write_text(text, encoding="utf-8")
    for module, text in modules.items():
        (root / f"{module}.py").write_text(dedent(text), encoding="utf-8")
    return root


def install(target: Path, *sources: Path) -> Path:
    """Let pip install folders into ``target``, without a network; they must be copies: building writes into them."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index"]
    command += ["--no-deps", "--no-build-isolation", "--target", str(target), *map(str, sources)]
    options = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True, "timeout": 100}
    done = subprocess.run(command, check=False, **options)
    assert done.returncode == 0, f"pip cannot install the plugins (is setuptools there?)\n{done.stdout}\n{done.stderr}"
    return target
