"""``tipi why``: where a value comes from, and what it shadowed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tipi_core.cli.completing import complete_key
from tipi_core.cli.options import json_option, override_words, pipeline_argument, project_option
from tipi_core.cli.output import print_json, print_table, short_place
from tipi_core.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from tipi_core.plan import Plan


@click.command("why", short_help="Show where a value comes from.")
@pipeline_argument
@click.argument("key", shell_complete=complete_key)
@override_words
@click.option("--config", help="A file in place of the pipeline's own.")
@project_option
@json_option
def command(
    name: str, key: str, words: tuple[str, ...], config: str | None, project: Path | None, as_json: bool
) -> None:
    """Show every source of KEY in the pipeline NAME, lowest first: default, files, environment, words.

    \b
    tipi why my_pipeline training.epochs
    tipi why my_pipeline training.epochs training.epochs=20 --json
    """
    from tipi_core.runner import PipelineRunner

    plan = PipelineRunner(name, config, list(words), project=project).plan()
    path, rows = explain(plan, key)
    if as_json:
        print_json({"key": path, "sources": rows})
        return
    click.echo(click.style(path, bold=True))
    print_table(["value", "from", "outcome"], [[_text(row), row["from"], row["outcome"]] for row in rows])


def explain(plan: Plan, key: str) -> tuple[str, list[dict[str, Any]]]:
    """Return the full key and its sources, the one that counts last.

    Raises:
        UsageError: Nothing sets the key and nothing has a default for it.
    """
    from tipi_core.config.overrides import expand, split_key
    from tipi_core.config.secrets import mask_secrets
    from tipi_core.config.tracing import sources_of

    layers, data = plan.config.layers, plan.config.layers.merged()
    keys = expand(key, split_key(key, key), data)
    rows: list[dict[str, Any]] = [*_default(plan, keys)]
    for source in sources_of(layers, keys):
        value = mask_secrets({keys[-1]: source.value}, plan.config.secrets)[keys[-1]]
        rows.append({"value": value, "from": source.where, "removes": source.removes})
    if not rows:
        raise UsageError(f"nothing sets {'.'.join(keys)!r}", hint=_near(plan, keys, data))
    for row in rows:
        row["outcome"] = "shadowed"
    rows[-1]["outcome"] = "counts"
    _add_reference(plan, keys, rows[-1])
    return ".".join(keys), rows


def _default(plan: Plan, keys: list[str]) -> list[dict[str, Any]]:
    for resolved in plan.resolved:
        for parameter in resolved.signature.parameters:
            own = parameter.name in resolved.signature.names and not parameter.required
            if own and keys == [*resolved.spec.path, "params", parameter.name]:
                return [
                    {"value": parameter.default, "from": f"default, {short_place(resolved.where)}", "removes": False}
                ]
    return []


def _add_reference(plan: Plan, keys: list[str], row: dict[str, Any]) -> None:
    """Add what a value with references in it stands for."""
    from tipi_core.config.overrides import find_value
    from tipi_core.config.secrets import mask_secrets

    if not row["removes"] and "${" in str(row["value"]):
        value = find_value(plan.config.data, keys, keys[-1])
        row["stands_for"] = mask_secrets({keys[-1]: value}, plan.config.secrets)[keys[-1]]


def _near(plan: Plan, keys: list[str], data: dict[str, Any]) -> str | None:
    table: Any = data
    for key in keys[:-1]:
        table = table.get(key, {}) if isinstance(table, dict) else {}
    names = set(table) if isinstance(table, dict) else set()
    for resolved in plan.resolved:
        if keys[:-1] == [*resolved.spec.path, "params"]:
            names |= set(resolved.signature.names)
    return did_you_mean(keys[-1], names, "known here") or "nothing is set there"


def _text(row: dict[str, Any]) -> str:
    if row["removes"]:
        return "(removed)"
    shown = repr(row["value"])
    return f"{shown} = {row['stands_for']!r}" if "stands_for" in row else shown
