"""The user's project: its root, its own file and what that says, where its runs lie."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tipi_core.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from tipi_core.config.layers import Layer

SETTINGS = ("trust", "plugins", "runs")
EXAMPLES = {"trust": '["my_models"]', "plugins": '["no:wandb"]'}


@dataclass(frozen=True, slots=True)
class Project:
    """A project's root (None where there is none) and what its own file says.

    Attributes:
        root: The folder; its Python files may name types.
        trust: Prefixes of import strings that may be imported besides the project's and the plugins' own.
        plugins: Words such as ``no:wandb``, each blocking a plugin.
        runs: Where records lie, relative to the root.
    """

    root: Path | None
    trust: tuple[str, ...] = ()
    plugins: tuple[str, ...] = ()
    runs: str | None = None
    file: Path | None = None

    @property
    def blocked(self) -> list[str]:
        """The names of the plugins that it blocks."""
        return [word.removeprefix("no:") for word in self.plugins]


def find_root(start: Path) -> Path | None:
    """Return the nearest of ``start`` and its parents that is a project, or None."""
    return next((folder for folder in (start, *start.parents) if is_root(folder)), None)


def is_root(folder: Path) -> bool:
    """Return whether a folder has ``tipi.toml``, ``[tool.tipi]`` in its ``pyproject.toml``, or ``configs/``."""
    return (folder / "configs").is_dir() or is_declared(folder)


def is_declared(folder: Path) -> bool:
    """Return whether a folder says itself that it is a project: a ``configs/`` alone may be a part of one around it."""
    if (folder / "tipi.toml").is_file():
        return True
    try:
        return "[tool.tipi]" in (folder / "pyproject.toml").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False


def is_own_project(folder: Path) -> bool:
    """Return whether a folder inside a project is a project of its own: declared as one, or with pipelines in it.

    Hydra's users have a ``configs/`` in the middle of their code: that alone says nothing.
    """
    configs = folder / "configs"
    if not configs.is_dir():
        return is_declared(folder)
    return is_declared(folder) or any(configs.glob("*/pipeline.toml")) or any(configs.glob("*/execute_pipeline.toml"))


def open_project(start: Path | None = None) -> Project:
    """Return the project around ``start`` (else the working directory), with its settings read.

    Raises:
        ConfigError: The project's own file has a mistake.
        UsageError: ``start`` was given and is no folder.
    """
    if start is not None and not start.is_dir():
        raise UsageError(f"no folder {str(start)!r}", hint="--project names the folder that holds configs/")
    root = start.resolve() if start is not None else find_root(Path.cwd())
    if root is None:
        return Project(None)
    return _read_settings(root)


def runs_folder(root: Path) -> Path:
    """Return where records of runs under ``root`` lie: ``TIPI_RUNS``, the project's ``runs``, else ``runs/``."""
    override = os.environ.get("TIPI_RUNS")
    if override:
        return Path(override).expanduser().absolute()
    return root / (open_project(root).runs or "runs" if is_root(root) else "runs")


def _read_settings(root: Path) -> Project:
    from tipi_core.config.files import read_file

    for name, keys in (("tipi.toml", ()), ("pyproject.toml", ("tool", "tipi"))):
        if not (root / name).exists() or (keys and not is_declared(root)):
            continue
        layer = read_file(root / name)
        settings: Any = layer.data
        for key in keys:
            settings = settings.get(key, {}) if isinstance(settings, Mapping) else {}
        _check(settings, keys, layer, root / name)
        words = {key: tuple(settings.get(key, ())) for key in ("trust", "plugins")}
        return Project(root, words["trust"], words["plugins"], settings.get("runs"), root / name)
    return Project(root)


def _check(settings: Any, above: tuple[str, ...], layer: Layer, file: Path) -> None:
    """Raise every mistake in the settings at its place."""
    from tipi_core.config.layers import Layers
    from tipi_core.config.reading import raise_problems

    mistakes = list(
        _mistakes(settings) if isinstance(settings, Mapping) else [("", "tipi wants a table", "[tool.tipi]")]
    )
    layers = Layers([layer])
    raise_problems([layers.error((*above, *filter(None, (key,))), what, hint) for key, what, hint in mistakes], file)


def _mistakes(settings: Mapping[str, Any]) -> Iterator[tuple[str, str, str | None]]:
    for key, value in settings.items():
        is_list = isinstance(value, list) and all(isinstance(word, str) for word in value)
        if key not in SETTINGS:
            yield key, f"unknown key {key!r}", did_you_mean(key, SETTINGS, "known keys")
        elif key == "runs" and not isinstance(value, str):
            yield key, "runs wants a folder as a string", 'for example runs = "/scratch/runs"'
        elif key != "runs" and not is_list:
            yield key, f"{key} wants a list of strings", f"for example {key} = {EXAMPLES[key]}"
        elif key == "plugins" and not all(word.startswith("no:") for word in value):
            yield key, "plugins can only leave plugins out", f"for example plugins = {EXAMPLES[key]}"
