"""Pipelines by name: the files that describe them, the project's and those of installed distributions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tipi_core.errors import UsageError, did_you_mean
from tipi_core.project.settings import Project


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
    if _is_path(name):
        path = Path(name)
        if not path.is_file():
            raise UsageError(f"no file {name!r}", hint="a pipeline name has no separator and no .toml")
        stem = path.resolve().parent.name if path.stem in ("pipeline", "execute_pipeline") else path.stem
        return check_name(stem, "pipeline"), path if config is None else _find_config(project, stem, config)
    check_name(name, "pipeline")
    if config is not None:
        return name, _find_config(project, name, config)
    tried = list(_candidates(project, name))
    found = [path for path in tried if path.is_file()]
    if len(found) > 1 and found[0].parent == found[1].parent:
        raise UsageError(f"pipeline {name!r} has two files: {found[0]} and {found[1]}", hint="keep one of them")
    if found:
        return name, found[0]
    packaged = packaged_pipelines()
    if name in packaged:
        return name, packaged[name]
    raise _unknown_pipeline(project, name, tried)


def list_pipelines(project: Project) -> dict[str, Path]:
    """Return the pipelines of the project and of the plugins, by name; the project's win."""
    found = packaged_pipelines()
    if project.root is not None:
        folder = project.root / "configs"
        found |= {path.stem: path for path in sorted(folder.glob("*.toml")) if path.is_file()}
        inside = sorted([*folder.glob("*/pipeline.toml"), *folder.glob("*/execute_pipeline.toml")])
        found |= {path.parent.name: path for path in inside if path.is_file()}
    return dict(sorted(found.items()))


def packaged_pipelines() -> dict[str, Path]:
    """Return the pipelines that installed distributions bring, through the entry points ``tipi.pipelines``."""
    from tipi_core.installed import find_entries

    found: dict[str, Path] = {}
    for entry in find_entries("tipi.pipelines"):
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
    from tipi_core.config.names import why_no_name

    broken = why_no_name(name)
    if broken:
        raise UsageError(f"{name[:120]!r} is no {kind} name", hint=broken)
    return name


def _is_path(name: str) -> bool:
    return "/" in name or "\\" in name or name.endswith(".toml")


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
    from tipi_core.config.files import short_path

    hint = did_you_mean(name, list_pipelines(project), "pipelines here") or "there are no pipelines here"
    paths = ", ".join(map(short_path, tried)) or "packaged pipelines only, since no parent folder is a tipi project"
    return UsageError(f"no pipeline {name!r}", where=f"tried {paths}", hint=hint)


def _package_folders(package: str) -> list[Path]:
    from importlib.util import find_spec

    try:
        spec = find_spec(package)
    except (Exception, SystemExit):  # finding a part of a package runs the package, whatever that does
        return []
    return [Path(folder) for folder in (spec.submodule_search_locations or [])] if spec else []
