"""Importing the project's own modules: the root is on ``sys.path`` while a run lasts, and never after."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType

from tipi_core.errors import ConfigError
from tipi_core.sources import import_roots


@contextmanager
def without_collections(for_good: bool) -> Iterator[None]:
    """Collect no garbage while the block imports; looking for it takes 15 % of the time of ``import torch``.

    Args:
        for_good: Whether what is alive afterwards lives as long as the process, so that no collection need ever look.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if for_good:
            gc.freeze()
        if was_on:
            gc.enable()


class ProjectImports:
    """A context in which the project's modules can be imported.

    Example:
        >>> with ProjectImports(None) as imports:
        ...     imports.module("json").__name__
        'json'
    """

    def __init__(self, root: Path | None) -> None:
        self.root = root
        self._added: list[str] = []

    def __enter__(self) -> ProjectImports:
        for folder in reversed(import_roots(self.root) if self.root else []):
            self._added.append(str(folder))
            sys.path.insert(0, str(folder))
        return self

    def __exit__(self, *exc: object) -> None:
        for folder in self._added:
            if folder in sys.path:
                sys.path.remove(folder)

    def module(self, name: str, path: Path | None = None) -> ModuleType:
        """Return the module ``name``, imported from ``path`` when that is given.

        Raises:
            ConfigError: Python has a module of that name from another file.
        """
        module = import_module(name)
        found = getattr(module, "__file__", None)
        if path is not None and (found is None or Path(found).resolve() != path.resolve()):
            raise ConfigError(
                f"module {name!r} is {path}, but Python has it already from {found or 'a built-in'}",
                hint="rename one of the two",
            )
        return module
