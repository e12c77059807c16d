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


def complete_targets(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[Any]:
    """Return the pipelines that begin with what was typed; where none does, the shell's own: files."""
    from click.shell_completion import CompletionItem

    found: list[Any] = list(complete_pipelines(context, parameter, incomplete))
    return found or ([CompletionItem(incomplete, type="file")] if incomplete else [])


def complete_runs(context: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Return the ids of the records, newest first, and ``latest``."""
    from tipi_core.cli.records import find_runs
    from tipi_core.records.finding import record_folders

    folders = record_folders(find_runs(context.params.get("runs"), context.params.get("project")))
    return [word for word in ("latest", *(folder.name for folder in folders)) if word.startswith(incomplete)]


def complete_tables(context: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Return the tables of the kind that was typed before, in the one pipeline or in that of ``--pipeline``."""
    import tomllib

    from tipi_core.cli.editing import find_file
    from tipi_core.errors import TipiError

    try:
        path = find_file(context.params.get("pipeline"), context.params.get("project"))[1]
        tables = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (TipiError, ValueError):
        return []
    section = "permanences" if context.params.get("kind") == "permanence" else "processes"
    return _matching(tables.get(section, {}), incomplete)


def complete_params(context: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Return the parameters of the type that was typed before, each with its sign, or the values of one."""
    from tipi_core.cli.options import open_resolver
    from tipi_core.config.model import ComponentSpec
    from tipi_core.errors import TipiError

    resolver = open_resolver(context.params.get("project"))
    spec = ComponentSpec("it", context.params["kind"], context.params["type_name"], {})
    try:
        signature = resolver.resolve(spec).signature
    except TipiError:
        return []
    name, equals, _value = incomplete.partition("=")
    if not equals:
        return _matching((f"{name}=" for name in signature.names), incomplete)
    values = [value for one in signature.parameters if one.name == name for value in _values(one.annotation, resolver)]
    return _matching((f"{name}={value}" for value in values), incomplete)


def complete_types(context: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Return the types of the kind that was typed before, else of both."""
    from tipi_core.cli.options import open_resolver

    resolver = open_resolver(context.params.get("project"))
    kinds = [context.params["kind"]] if context.params.get("kind") else ["permanence", "process"]
    return _matching((name for kind in kinds for name in resolver.names(kind)), incomplete)


def complete_keys(context: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Return the keys of the pipeline that was named before, each with the sign that follows it."""
    name = context.params.get("name")
    if not name:
        return []
    if "=" in incomplete:
        return _matching(_key_values(name, incomplete.partition("=")[0], context.params.get("project")), incomplete)
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


def _key_values(name: str, key: str, project: Any) -> Iterator[str]:
    """Yield ``key=value`` for every value that the key can have, as far as its annotation lists them."""
    from tipi_core.cli.options import open_resolver

    plan, resolver = _plan(name, project), open_resolver(project)
    component, _, parameter = key.rpartition(".")
    for resolved in plan.resolved if plan else ():
        if resolved.spec.name == component.rpartition(".")[2]:
            own = [one.annotation for one in resolved.signature.parameters if one.name == parameter]
            values = resolver.names(resolved.spec.kind) if parameter == "type" and not own else _values(own, resolver)
            yield from (f"{key}={value}" for value in values)


def _values(annotation: Any, resolver: Any) -> list[str]:
    from tipi_core.components.describing import allowed_values
    from tipi_core.components.naming import names_in

    if isinstance(annotation, list):
        return [value for one in annotation for value in _values(one, resolver)]
    if annotation is bool:
        return ["true", "false"]
    marks = [mark for mark, _ in names_in(annotation, "")]
    named = [name for mark in marks for name in resolver.host.registry.names(mark.kind)]
    return [*map(str, allowed_values(annotation)), *named]


def _plan(name: str | None, project: Any) -> Any:
    from tipi_core.errors import TipiError
    from tipi_core.runner import PipelineRunner

    try:
        return PipelineRunner(name, project=project).plan() if name else None
    except TipiError:
        return None  # a shell asks for words, not for messages


def _matching(words: Any, incomplete: str) -> list[str]:
    return sorted(word for word in words if word.startswith(incomplete))
