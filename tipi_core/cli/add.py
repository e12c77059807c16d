"""``tipi add``: put a permanence or a process into a pipeline's file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tipi_core.cli.completing import complete_params, complete_pipelines, complete_types
from tipi_core.cli.options import project_option
from tipi_core.errors import UsageError

if TYPE_CHECKING:
    from tipi_core.components.signature import Parameter
    from tipi_core.plan import Resolved


@click.command("add", short_help="Add a permanence or a process.")
@click.argument("kind", type=click.Choice(["permanence", "process"]))
@click.argument("type_name", metavar="TYPE", shell_complete=complete_types)
@click.argument("words", nargs=-1, metavar="[PARAM=VALUE]...", shell_complete=complete_params)
@click.option("--name", help="The table's name; without it, the type's in small letters.")
@click.option("--pipeline", help="The pipeline, where there are several.", shell_complete=complete_pipelines)
@project_option
def command(
    kind: str, type_name: str, words: tuple[str, ...], name: str | None, pipeline: str | None, project: Path | None
) -> None:
    """Add TYPE to a pipeline's file, at its end; what is there keeps its comments and order.

    The defaults of its parameters stand below it as comments. Nothing is written where the pipeline would not be whole.

    \b
    tipi add permanence Data dataset=digits batch_size=64
    tipi add process ValidationProcess --pipeline my_pipeline
    """
    from tipi_core.cli.editing import find_file, write_checked
    from tipi_core.config.editing import add_table
    from tipi_core.project.pipelines import check_name

    pipeline_name, path = find_file(pipeline, project)
    table = check_name(name or table_name(type_name), kind)
    section = "permanences" if kind == "permanence" else "processes"
    text = path.read_text(encoding="utf-8-sig")
    _check_free(text, section, table)
    params = _params(words)
    values: dict[str, Any] = {"type": type_name, **({"params": _inline(params)} if params else {})}
    comments = _defaults(_resolve(kind, table, type_name, project), params)
    write_checked(pipeline_name, path, add_table(text, section, table, values, comments), project)
    click.echo(f"{path}: [{section}.{table}]")


def table_name(type_name: str) -> str:
    """Return a name for a table from its type's.

    Example:
        >>> table_name("ValidationProcess"), table_name("WandBManager"), table_name("steps:train_model")
        ('validation', 'wand_b', 'train_model')
    """
    word = re.sub(r"(?<=.)(Process|Manager)$", "", type_name.rpartition(":")[2])
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", word).lower()


def _check_free(text: str, section: str, name: str) -> None:
    import tomllib

    if name in tomllib.loads(text).get(section, {}):
        raise UsageError(f"[{section}.{name}] is there already", hint="give the new one another --name")


def _params(words: tuple[str, ...]) -> dict[str, Any]:
    from tipi_core.config.overrides import parse_value

    params = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not key.isidentifier():
            raise UsageError(f"{word!r} is no parameter", hint="write PARAM=VALUE, such as epochs=20")
        params[key] = parse_value(value)
    return params


def _inline(params: dict[str, Any]) -> Any:
    import tomlkit

    table = tomlkit.inline_table()
    table.update(params)
    return table


def _resolve(kind: str, name: str, type_name: str, project: Path | None) -> Resolved:
    """Return what the type names; its mistakes name the command line, since there is no file yet."""
    from tipi_core.cli.options import open_resolver
    from tipi_core.config.layers import Layer, Layers
    from tipi_core.config.model import ComponentSpec

    layers = Layers([Layer(f"tipi add {kind} {type_name}", {})])
    return open_resolver(project).resolve(ComponentSpec(name, kind, type_name, {}, layers=layers))


def _defaults(resolved: Resolved, params: dict[str, Any]) -> list[str]:
    own = [parameter for parameter in resolved.signature.parameters if parameter.name in resolved.signature.names]
    left = [parameter for parameter in own if parameter.name not in params and not parameter.required]
    return [f"params.{describe(parameter)}" for parameter in left]


def describe(parameter: Parameter) -> str:
    """Return a parameter with its default as TOML would write it, and its type."""
    import tomlkit

    from tipi_core.components.describing import describe_annotation
    from tipi_core.components.signature import UNKNOWN

    try:
        value = tomlkit.item(parameter.default).as_string() if parameter.default is not None else "(none)"
    except (TypeError, ValueError):
        value = str(parameter.default)
    kind = "" if parameter.annotation is UNKNOWN else f"  ({describe_annotation(parameter.annotation)})"
    return f"{parameter.name} = {value}{kind}"
