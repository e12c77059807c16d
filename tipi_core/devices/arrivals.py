"""Modules that are not imported yet: something is called at the moment one of them is there."""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType


class Arrivals(MetaPathFinder):
    """Stands first in ``sys.meta_path`` and finds nothing itself: what the others find tells when it was loaded.

    Args:
        watched: What is called, without arguments, after a module of that name was loaded and before it is used.

    Example:
        >>> Arrivals({"numpy": seed_numpy}).watch()  # doctest: +SKIP
    """

    def __init__(self, watched: Mapping[str, Callable[[], object]]) -> None:
        self.watched = watched

    def watch(self) -> None:
        """Begin."""
        sys.meta_path.insert(0, self)

    def leave(self) -> None:
        """End; it may have been taken out already."""
        sys.meta_path[:] = [finder for finder in sys.meta_path if finder is not self]

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return what the other finders find for a watched name; None for all other names."""
        if fullname not in self.watched:
            return None
        finders = list(sys.meta_path)
        behind = finders.index(self) + 1 if self in finders else 0
        for finder in finders[behind:]:  # before it may be others that watch, and ask it too
            spec = finder.find_spec(fullname, path, target)
            if spec is not None:
                _tell(spec, self.watched[fullname])
                return spec
        return None


def _tell(spec: ModuleSpec, arrived: Callable[[], object]) -> None:
    """Make the loader of one module call ``arrived`` when it has executed it."""
    loader: Any = spec.loader
    before = getattr(loader, "__dict__", {}).get("exec_module")  # of another who watches

    def exec_module(module: ModuleType) -> None:
        del loader.exec_module  # the loader is as it was
        if before is not None:
            loader.exec_module = before
        loader.exec_module(module)
        arrived()

    if not isinstance(loader, type) and hasattr(loader, "exec_module"):
        loader.exec_module = exec_module
