"""``tipi validate``: check pipelines without running anything."""

from __future__ import annotations

from pathlib import Path

import click

from tipi_core.cli.completing import complete_pipelines
from tipi_core.cli.options import json_option, override_words, project_option
from tipi_core.cli.output import print_json
from tipi_core.cli.painting import paint_report, terminal_width
from tipi_core.errors import ConfigError, ConfigProblems, TipiError, UsageError


@click.command("validate", short_help="Check a pipeline without running it.")
@click.argument("name", required=False, shell_complete=complete_pipelines)
@override_words
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
    errors = {each: _check(each, words, config, project) for each in names}
    if as_json:
        print_json({each: [_as_dict(problem) for problem in _problems(error)] for each, error in errors.items()})
    for each, error in errors.items():
        if error is not None:
            click.echo(paint_report(error.report(), terminal_width()), err=True)
        elif not as_json:
            click.echo(f"{each}: {click.style('ok', fg='green')}")
    return 2 if any(errors.values()) else 0


def _names(project: Path | None) -> list[str]:
    from tipi_core.project.pipelines import list_pipelines
    from tipi_core.project.settings import open_project

    return list(list_pipelines(open_project(project)))


def _check(name: str, words: tuple[str, ...], config: str | None, project: Path | None) -> TipiError | None:
    from tipi_core.runner import PipelineRunner

    try:
        PipelineRunner(name, config, list(words), project=project).plan().check()
    except (ConfigError, UsageError) as error:
        return error
    return None


def _problems(error: TipiError | None) -> tuple[TipiError, ...]:
    if error is None:
        return ()
    return error.problems if isinstance(error, ConfigProblems) else (error,)


def _as_dict(error: TipiError) -> dict[str, str | None]:
    return {"what": error.what, "where": error.where, "hint": error.hint, "id": error.id}
