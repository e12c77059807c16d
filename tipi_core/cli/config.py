"""``tipi config``: the resolved config of a pipeline, or what differs from another one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tipi_core.cli.options import json_option, override_words, pipeline_argument, project_option
from tipi_core.cli.output import print_json

if TYPE_CHECKING:
    from tipi_core.config.model import PipelineConfig


@click.command("config", short_help="Show the resolved config.")
@pipeline_argument
@override_words
@click.option("--config", help="A file in place of the pipeline's own.")
@click.option("--diff", "other", metavar="OTHER", help="Show what differs from the pipeline OTHER.")
@project_option
@json_option
def command(
    name: str,
    words: tuple[str, ...],
    config: str | None,
    other: str | None,
    project: Path | None,
    as_json: bool,
) -> None:
    """Show the config of NAME with everything merged, as TOML; comments of its own file are kept, secrets masked.

    \b
    tipi config my_pipeline
    tipi config my_pipeline training.epochs=20 --json
    tipi config my_pipeline --diff other_pipeline
    """
    from tipi_core.config.document import resolved_toml
    from tipi_core.config.secrets import mask_secrets

    resolved = _read(name, config, words, project)
    if other is not None:
        _show_difference(resolved, _read(other, None, (), project), as_json)
    elif as_json:
        print_json(mask_secrets(resolved.data, resolved.secrets))
    else:
        click.echo(resolved_toml(resolved), nl=False)


def _read(name: str, config: str | None, words: tuple[str, ...], project: Path | None) -> PipelineConfig:
    from tipi_core.config.reading import raise_problems, read_pipeline
    from tipi_core.project.pipelines import find_pipeline
    from tipi_core.project.settings import open_project

    found, path = find_pipeline(open_project(project), name, config)
    resolved, problems = read_pipeline(found, path, list(words))
    raise_problems(problems, path)
    return resolved


def _show_difference(config: PipelineConfig, other: PipelineConfig, as_json: bool) -> None:
    rows = list(differences(_flat(config), _flat(other)))
    if as_json:
        print_json(rows)
        return
    for row in rows:
        for sign, side in (("-", "other"), ("+", "this")):
            if side in row:
                line = f"{sign} {row['key']} = {row[side]!r}"
                click.echo(click.style(line, fg="red" if sign == "-" else "green"))


def differences(this: dict[str, Any], other: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a row for each key that the two do not share with the same value.

    Example:
        >>> differences({"a": 1, "b": 2}, {"a": 1, "c": 3})
        [{'key': 'b', 'this': 2}, {'key': 'c', 'other': 3}]
    """
    rows = []
    for key in dict.fromkeys([*this, *other]):
        sides = {side: values[key] for side, values in (("this", this), ("other", other)) if key in values}
        if len(sides) == 1 or repr(this[key]) != repr(other[key]):
            rows.append({"key": key, **sides})
    return rows


def _flat(config: PipelineConfig) -> dict[str, Any]:
    from tipi_core.config.secrets import mask_secrets
    from tipi_core.config.tracing import flatten

    return dict(flatten(mask_secrets(config.data, config.secrets)))
