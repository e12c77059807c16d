"""``tipi validate``: check pipelines without running anything."""

from __future__ import annotations

from pathlib import Path

import click

from tipi_core.cli.options import json_option, project_option
from tipi_core.cli.output import print_json
from tipi_core.errors import ConfigError, ConfigProblems, TipiError, UsageError


@click.command("validate", short_help="Check a pipeline without running it.")
@click.argument("name", required=False)
@click.argument("words", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--all", "every", is_flag=True, help="Check every pipeline of this project.")
@click.option("--config", help="A file in place of the pipeline's own.")
@project_option
@json_option
def command(
    name: str | None, words: tuple[str, ...], every: bool, config: str | None, project: Path | None, as_json: bool
) -> int:
    """Check NAME: every section, type, parameter and dependency, reading source and importing none of it.

    \b
    tipi validate my_pipeline
    tipi validate my_pipeline training.epochs=20
    tipi validate --all --json
    """
    names = _names(project) if every else [name] if name else []
    if not names:
        raise UsageError("validate what?", hint="name a pipeline, or write --all")
    reports = {name: _problems(name, words, config, project) for name in names}
    if as_json:
        print_json({name: [_as_dict(problem) for problem in problems] for name, problems in reports.items()})
    for name, problems in reports.items():
        if not as_json and not problems:
            click.echo(f"{name}: ok")
        for problem in problems if not as_json else []:
            click.echo(f"{problem.block() if isinstance(problem, ConfigError) else problem}\n", err=True)
    return _verdict(reports)


def _verdict(reports: dict[str, list[TipiError]]) -> int:
    found = [(name, problem) for name, problems in reports.items() for problem in problems]
    if not found:
        return 0
    (name, problem), count = found[0], len(found)
    if count > 1:
        where = f"the first at {problem.where}" if problem.where else name
        problem = ConfigError(f"{count} problems", where=where, hint=problem.what)
    click.echo(problem.line(), err=True)
    return 2


def _names(project: Path | None) -> list[str]:
    from tipi_core.project.pipelines import list_pipelines
    from tipi_core.project.settings import open_project

    return list(list_pipelines(open_project(project)))


def _problems(name: str, words: tuple[str, ...], config: str | None, project: Path | None) -> list[TipiError]:
    from tipi_core.runner import PipelineRunner

    try:
        PipelineRunner(name, config, list(words), project=project).plan().check()
    except ConfigProblems as error:
        return list(error.problems)
    except (ConfigError, UsageError) as error:
        return [error]
    return []


def _as_dict(error: TipiError) -> dict[str, str | None]:
    return {"what": error.what, "where": error.where, "hint": error.hint, "id": error.id}
