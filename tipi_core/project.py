"""The user's project: its root, its own file, where its runs and pipelines lie."""

from __future__ import annotations

import os
from collections.abc import Iterator
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


def find_pipeline(project: Project, name: str, config: str | None = None) -> tuple[str, Path]:
    """Return a pipeline's name and the file that describes it.

    Args:
        project: Where to look; packaged pipelines are found without one.
        name: A name, or a path when it has a separator or ends in ``.toml``.
        config: A file in place of the pipeline's own: tried against the working directory, ``configs/NAME/`` and
            ``configs/``.

    Raises:
        UsageError: There is no such pipeline, or two files claim to be it.
    """
    check_name(name.removesuffix(".toml").replace(os.sep, "") if _is_path(name) else name, "pipeline")
    if config is not None:
        return (Path(name).stem if _is_path(name) else name), _find_config(project, name, config)
    if _is_path(name):
        path = Path(name)
        if not path.is_file():
            raise UsageError(f"no file {name!r}", hint="a pipeline name has no separator and no .toml")
        stem = path.parent.name if path.stem in ("pipeline", "execute_pipeline") else path.stem
        return check_name(stem or "pipeline", "pipeline"), path
    tried = list(_candidates(project, name))
    found = [path for path in tried if path.is_file()]
    if len(found) > 1 and found[0].parent == found[1].parent:
        raise UsageError(f"pipeline {name!r} has two files: {found[0]} and {found[1]}", hint="keep one of them")
    packaged = packaged_pipelines()
    if found or name in packaged:
        return name, found[0] if found else packaged[name]
    raise _unknown_pipeline(project, name, tried)


def list_pipelines(project: Project) -> dict[str, Path]:
    """Return the pipelines of the project and of the plugins, by name; the project's win."""
    found = packaged_pipelines()
    if project.root is not None:
        folder = project.root / "configs"
        for path in sorted(folder.glob("*.toml")):
            found[path.stem] = path
        for path in sorted([*folder.glob("*/pipeline.toml"), *folder.glob("*/execute_pipeline.toml")]):
            found[path.parent.name] = path
    return dict(sorted(found.items()))


def packaged_pipelines() -> dict[str, Path]:
    """Return the pipelines that installed distributions bring, through the entry points ``tipi.pipelines``."""
    from importlib.metadata import entry_points

    found: dict[str, Path] = {}
    for entry in sorted(entry_points(group="tipi.pipelines"), key=lambda entry: entry.name):
        package, _, resource = entry.value.partition(":")
        for folder in _package_folders(package):
            if (folder / resource).is_file():
                found.setdefault(entry.name, folder / resource)
    return found


def check_name(name: str, kind: str) -> str:
    """Return ``name`` if it may name a pipeline, permanence, process or run.

    Raises:
        UsageError: It has other characters than letters, digits, ``.``, ``_``, ``-``, or is empty or too long.
    """
    import re

    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", name):
        raise UsageError(
            f"{name[:120]!r} is no {kind} name",
            hint="names begin with a letter or digit and have up to 100 letters, digits, '.', '_', '-'",
        )
    return name


def _is_path(name: str) -> bool:
    return "/" in name or os.sep in name or name.endswith(".toml")


def _candidates(project: Project, name: str) -> Iterator[Path]:
    if project.root is not None:
        configs = project.root / "configs"
        yield configs / name / "execute_pipeline.toml"
        yield configs / name / "pipeline.toml"
        yield configs / f"{name}.toml"


def _find_config(project: Project, name: str, config: str) -> Path:
    tried = [Path(config)]
    if project.root is not None:
        tried += [project.root / "configs" / name / config, project.root / "configs" / config]
    for path in tried:
        if path.is_file():
            return path
    raise UsageError(f"no config file {config!r}", hint="tried " + ", ".join(map(str, tried)))


def _unknown_pipeline(project: Project, name: str, tried: list[Path]) -> UsageError:
    hint = did_you_mean(name, list_pipelines(project), "pipelines here") or "there are no pipelines here"
    paths = ", ".join(map(str, tried)) or "packaged pipelines only, since no parent folder is a tipi project"
    return UsageError(f"no pipeline {name!r}", where=f"tried {paths}", hint=hint)


def _package_folders(package: str) -> list[Path]:
    from importlib.util import find_spec

    try:
        spec = find_spec(package)
    except (ImportError, ValueError):
        return []
    return [Path(folder) for folder in (spec.submodule_search_locations or [])] if spec else []
