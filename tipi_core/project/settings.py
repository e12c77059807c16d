"""The user's project: its root, its own file and what that says, where its runs lie."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tipi_core.errors import ConfigError, UsageError, did_you_mean

SETTINGS = ("trust", "plugins", "runs")


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


def find_root(start: Path) -> Path | None:
    """Return the nearest of ``start`` and its parents that is a project, or None."""
    return next((folder for folder in (start, *start.parents) if is_root(folder)), None)


def is_root(folder: Path) -> bool:
    """Return whether a folder has ``tipi.toml``, ``[tool.tipi]`` in its ``pyproject.toml``, or ``configs/``."""
    if (folder / "tipi.toml").is_file() or (folder / "configs").is_dir():
        return True
    pyproject = folder / "pyproject.toml"
    try:
        return "[tool.tipi]" in pyproject.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False


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
    file, settings = _read_settings(root)
    return _check_settings(root, file, settings)


def runs_folder(root: Path) -> Path:
    """Return where records of runs under ``root`` lie: ``TIPI_RUNS``, the project's ``runs``, else ``runs/``."""
    override = os.environ.get("TIPI_RUNS")
    if override:
        return Path(override).expanduser().absolute()
    return root / (open_project(root).runs or "runs" if is_root(root) else "runs")


def _read_settings(root: Path) -> tuple[Path | None, dict[str, Any]]:
    import tomllib

    for name in ("tipi.toml", "pyproject.toml"):
        file = root / name
        if not file.is_file():
            continue
        try:
            data = tomllib.loads(file.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"not TOML: {error}", where=str(file)) from None
        if name == "tipi.toml":
            return file, data
        if "tipi" in data.get("tool", {}):
            return file, data["tool"]["tipi"]
    return None, {}


def _check_settings(root: Path, file: Path | None, settings: dict[str, Any]) -> Project:
    for key in settings:
        if key not in SETTINGS:
            raise ConfigError(f"unknown key {key!r}", where=str(file), hint=did_you_mean(key, SETTINGS, "known keys"))
    for key in ("trust", "plugins"):
        words = settings.get(key, [])
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise ConfigError(f"{key} wants a list of strings", where=str(file), hint=f'for example {key} = ["..."]')
    runs = settings.get("runs")
    if runs is not None and not isinstance(runs, str):
        raise ConfigError("runs wants a folder as a string", where=str(file))
    return Project(root, tuple(settings.get("trust", ())), tuple(settings.get("plugins", ())), runs, file)
