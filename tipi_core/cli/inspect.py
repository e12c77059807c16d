"""``tipi inspect``: what a pipeline is made of."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tipi_core.cli.options import json_option, override_words, pipeline_argument, project_option
from tipi_core.cli.output import print_json, short_place

if TYPE_CHECKING:
    from tipi_core.plan import Plan, Resolved


@click.command("inspect", short_help="Show what a pipeline is made of.")
@pipeline_argument
@override_words
@click.option("--config", help="A file in place of the pipeline's own.")
@click.option("--docs", is_flag=True, help="Show docstrings too.")
@project_option
@json_option
def command(
    name: str, words: tuple[str, ...], config: str | None, docs: bool, project: Path | None, as_json: bool
) -> None:
    """Show the permanences and processes of NAME: type, owner, place, parameters with value and origin.

    \b
    tipi inspect quickstart
    tipi inspect my_pipeline training.epochs=20 --docs
    """
    from tipi_core.runner import PipelineRunner

    plan = PipelineRunner(name, config, list(words), project=project).plan()
    plan.check()
    if as_json:
        print_json(_as_dict(plan))
    else:
        click.echo("\n".join(_lines(plan, docs)))


def _lines(plan: Plan, docs: bool) -> Iterator[str]:
    from tipi_core.plan import Providers

    config, providers = plan.config, Providers(plan.config)
    yield f"{click.style(config.name, bold=True)}  {_dim(short_place(str(config.path)))}"
    if config.description:
        yield f"  {config.description}"
    if config.seed is not None:
        yield f"  seed = {config.seed}"
    for title, kind in (("permanences", "permanence"), ("processes", "process")):
        members = [resolved for resolved in plan.resolved if resolved.spec.kind == kind]
        if members:
            yield click.style(title, bold=True)
        for resolved in members:
            names = [parameter.name for parameter in resolved.signature.parameters]
            provided = providers.fill(resolved.spec, resolved.is_class, names)
            yield from _component(resolved, docs, provided, config.secrets)


def _component(resolved: Resolved, docs: bool, provided: Mapping[str, str], secrets: Collection[str]) -> Iterator[str]:
    from tipi_core.config.writing import mask_secrets

    spec = resolved.spec
    name, kind = click.style(spec.name, bold=True), click.style(spec.type, fg="cyan")
    yield f"  {name}: {kind}  [{resolved.owner}]  {_dim(short_place(resolved.where))}"
    doc = resolved.definition.doc if resolved.definition else None
    if docs and doc:
        yield from (f"      {line}".rstrip() for line in doc.strip().splitlines())
    params = mask_secrets(dict(spec.params), secrets)
    for name, value in params.items():
        yield f"    {name} = {value!r}  {_dim(f'({spec.where_param(name)})')}"
    for parameter in resolved.signature.parameters:
        if parameter.name in params or parameter.name not in resolved.signature.names:
            continue
        if parameter.name in provided:
            yield f"    {parameter.name}  {_dim(f'({provided[parameter.name]})')}"
        else:
            yield f"    {parameter.name} = {parameter.default!r}  {_dim('(default)')}"


def _dim(text: str) -> str:
    return click.style(text, fg="bright_black")


def _as_dict(plan: Plan) -> dict[str, Any]:
    from tipi_core.config.writing import mask_secrets

    return {
        "name": plan.config.name,
        "file": str(plan.config.path),
        "description": plan.config.description,
        "seed": plan.config.seed,
        "components": [
            {
                "kind": resolved.spec.kind,
                "name": resolved.spec.name,
                "type": resolved.spec.type,
                "owner": resolved.owner,
                "defined": resolved.where,
                "params": mask_secrets(dict(resolved.spec.params), plan.config.secrets),
                "defaults": {
                    parameter.name: parameter.default
                    for parameter in resolved.signature.parameters
                    if not parameter.required and parameter.name in resolved.signature.names
                },
            }
            for resolved in plan.resolved
        ],
    }
