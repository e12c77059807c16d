"""Pytest fixtures for projects and plugins: a project in a temporary folder, and runs of it in process.

Pytest finds them through the entry point of the distribution; nothing is to be imported.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tipi_core.runner import RunResult


class TipiProject:
    r"""A project in a temporary folder.

    Attributes:
        path: Its root.

    Example:
        >>> def test_mine(tipi_project, tipi_run):
        ...     tipi_project.write("configs/mine.toml", "[processes.go]\\ntype = 'my_plugin:go'\\n")
        ...     assert tipi_run("mine")["go"] == 42
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        (path / "configs").mkdir()

    def write(self, name: str, text: str) -> Path:
        """Write a file of the project, with its folders; the text's common indentation is taken off."""
        import textwrap

        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
        return file


@pytest.fixture
def tipi_project(tmp_path: Path) -> Iterator[TipiProject]:
    """An empty project: a folder with ``configs/`` in it.

    Modules that a test imported from it are forgotten afterwards.
    """
    root = tmp_path / "project"
    root.mkdir()
    yield TipiProject(root)
    _forget_modules(root)


@pytest.fixture
def tipi_run(tipi_project: TipiProject) -> Callable[..., RunResult]:
    """Run a pipeline of :func:`tipi_project` in process: ``tipi_run(name, *words, types=None, force=False)``.

    The result is that of ``PipelineRunner(...).run()``; its exceptions come out as they are, and the working
    directory is never changed.
    """

    def run(name: str, *words: str, types: Mapping[str, Any] | None = None, **options: Any) -> RunResult:
        from tipi_core.runner import PipelineRunner

        return PipelineRunner(name, overrides=list(words), types=types, project=tipi_project.path, **options).run()

    return run


def _forget_modules(root: Path) -> None:
    prefix = f"{root.resolve()}{os.sep}"
    for name, module in list(sys.modules.items()):
        attributes = getattr(module, "__dict__", {})  # asked for by name, some modules answer with anything
        path = attributes.get("__path__")
        places = [attributes.get("__file__"), *(path if isinstance(path, Iterable) else ())]
        if any(isinstance(place, str) and place.startswith(prefix) for place in places):
            del sys.modules[name]
    sys.path_importer_cache.clear()
