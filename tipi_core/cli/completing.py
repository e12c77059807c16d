"""What the shell completes: pipelines, types, config keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click


def complete_pipelines(context: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Return the pipelines that begin with what was typed."""
    from tipi_core.project.pipelines import list_pipelines
    from tipi_core.project.settings import open_project

    return _matching(list_pipelines(open_project(context.params.get("project"))), incomplete)


def complete_types(context: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Return the types of the kind that was typed before, else of both."""
    from tipi_core.cli.options import open_resolver

    resolver = open_resolver(context.params.get("project"))
    kinds = [context.params["kind"]] if context.params.get("kind") else ["permanence", "process"]
    return _matching((name for kind in kinds for name in resolver.names(kind)), incomplete)


def complete_keys(context: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Return the keys of the pipeline that was named before, each with the sign that follows it."""
    name = context.params.get("name")
    if "=" in incomplete or not name:
        return []
    removing = "~" if incomplete.startswith("~") else ""
    keys = _keys(name, context.params.get("project"))
    return _matching((f"{removing}{key}{'' if removing else '='}" for key in keys), incomplete)


def complete_key(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the keys of the pipeline that was named before."""
    return [key.removesuffix("=") for key in complete_keys(context, parameter, incomplete)]


def complete_processes(context: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Return the processes of the pipeline that was named before."""
    typed = [word for word in context.args if not word.startswith("-")]  # not yet told apart while a value is missing
    plan = _plan(context.params.get("name") or next(iter(typed), None), context.params.get("project"))
    return _matching([spec.name for spec in plan.config.processes] if plan else [], incomplete)


def complete_plugins(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    """Return ``no:NAME`` for each plugin."""
    from tipi_core.plugins import find_plugins

    return _matching((f"no:{plugin.name}" for plugin in find_plugins()), incomplete)


def _keys(name: str, project: Any) -> Iterator[str]:
    plan = _plan(name, project)
    if plan is None:
        return
    yield from ("seed", "description")
    for resolved in plan.resolved:
        names = dict.fromkeys([*resolved.signature.names, *resolved.spec.params])
        yield from (f"{resolved.spec.name}.{parameter}" for parameter in names)


def _plan(name: str | None, project: Any) -> Any:
    from tipi_core.errors import TipiError
    from tipi_core.runner import PipelineRunner

    try:
        return PipelineRunner(name, project=project).plan() if name else None
    except TipiError:
        return None  # a shell asks for words, not for messages


def _matching(words: Any, incomplete: str) -> list[str]:
    return sorted(word for word in words if word.startswith(incomplete))
