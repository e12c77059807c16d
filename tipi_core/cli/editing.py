"""What ``tipi add`` and ``tipi remove`` share: the pipeline to edit, and the check before it is written."""

from __future__ import annotations

from pathlib import Path

from tipi_core.errors import ConfigError, UsageError


def find_file(pipeline: str | None, project: Path | None) -> tuple[str, Path]:
    """Return the name and file of the pipeline to edit: the one named, else the project's only one.

    Raises:
        UsageError: There is none, or several, or it is a plugin's.
    """
    from tipi_core.project.pipelines import find_pipeline, list_pipelines
    from tipi_core.project.settings import open_project

    here = open_project(project)
    own = {name: path for name, path in list_pipelines(here).items() if here.root and path.is_relative_to(here.root)}
    if pipeline is None and len(own) == 1:
        return next(iter(own.items()))
    if pipeline is None:
        hint = f"--pipeline with one of: {', '.join(own)}" if own else "make a project with: tipi create NAME"
        raise UsageError("which pipeline?", hint=hint)
    name, path = find_pipeline(here, pipeline)
    if name not in own and not Path(pipeline).is_file():
        raise UsageError(f"{pipeline!r} is a plugin's pipeline", hint=f"copy {path} to configs/ and edit that")
    return name, path


def write_checked(name: str, path: Path, text: str, project: Path | None) -> None:
    """Write the edited file, unless the edit makes a mistake that was not there before.

    Raises:
        ConfigProblems: It would; the file is as it was.
    """
    from tipi_core.config.reading import raise_problems

    before = {problem.what for problem in _problems(name, path, project)}
    old = path.read_bytes()
    path.write_text(text, encoding="utf-8")
    try:
        raise_problems([problem for problem in _problems(name, path, project) if problem.what not in before], path)
    except ConfigError:
        path.write_bytes(old)
        raise


def _problems(name: str, path: Path, project: Path | None) -> tuple[ConfigError, ...]:
    from tipi_core.runner import PipelineRunner

    return PipelineRunner(name, str(path), project=project).plan().problems
