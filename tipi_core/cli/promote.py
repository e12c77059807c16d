"""``tipi promote``: a pipeline of a script's decorated functions; the script itself is left as it is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tipi_core.cli.add import describe
from tipi_core.errors import UsageError

if TYPE_CHECKING:
    from tipi_core.sources import Definition
    from tipi_core.sources.promoting import Calls


@click.command("promote", short_help="Make a pipeline of a script.")
@click.argument("script", type=click.Path(path_type=Path))
@click.option("--name", help="The pipeline's name; without it, the script's.")
def command(script: Path, name: str | None) -> None:
    """Write configs/NAME/pipeline.toml from the functions of SCRIPT that have @pipeline_process.

    The functions become processes in the order in which the script calls them, with the arguments of those calls; every
    other parameter stands as a comment with its default and type. Where the script's name is no module name, its
    functions are copied to processes/. The script is not changed and still runs.

    \b
    tipi promote train.py
    tipi promote train.py --name first_try
    """
    from tipi_core.project.pipelines import check_name
    from tipi_core.project.settings import find_root

    if not script.is_file() or script.suffix != ".py":
        raise UsageError(f"no script {str(script)!r}", hint="name a Python file")
    title = check_name(name or script.stem, "pipeline")
    root = find_root(script.resolve().parent) or script.resolve().parent
    target = root / "configs" / title / "pipeline.toml"
    if target.exists():
        raise UsageError(f"{target} is there already", hint="choose another --name")
    tree, definitions, calls = _read(script, root)
    module = _copy(script, tree, root) if not script.stem.isidentifier() else None
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("\n".join(_lines(title, script, definitions, calls, module)), encoding="utf-8")
    click.echo(target.relative_to(root))
    click.echo(f"next    tipi run {title}")


def _read(script: Path, root: Path) -> tuple[ast.Module, list[Definition], Calls]:
    from tipi_core.sources import SourceTree
    from tipi_core.sources.promoting import read_calls

    try:
        tree = ast.parse(script.read_bytes(), str(script))
    except (SyntaxError, ValueError) as error:
        raise UsageError(f"{script} is no Python: {error}") from None
    found = [d for d in SourceTree(root).all() if d.path.resolve() == script.resolve() and not d.is_class]
    definitions = sorted((d for d in found if d.role == "process"), key=lambda definition: definition.line)
    if not definitions:
        hint = "put @pipeline_process (from tipi.decorators) above a function"
        raise UsageError(f"{script} has no function with @pipeline_process", hint=hint)
    calls = read_calls(tree, {d.attr: [p.name for p in d.signature.parameters] for d in definitions})
    order = [*calls.arguments, *(d.attr for d in definitions)]
    return tree, sorted(definitions, key=lambda definition: order.index(definition.attr)), calls


def _copy(script: Path, tree: ast.Module, root: Path) -> str:
    """Copy the script without its ``__main__`` block to a module that can be imported; return that module."""
    from tipi_core.sources.promoting import is_guard

    stem = re.sub(r"\W", "_", script.stem)
    stem = stem if stem.isidentifier() else f"script_{stem}"
    path = root / "processes" / f"{stem}.py"
    if path.exists():
        raise UsageError(f"{path} is there already", hint="rename the script to a module's name, or remove that file")
    lines = script.read_text(encoding="utf-8").splitlines(keepends=True)
    for statement in [statement for statement in reversed(tree.body) if is_guard(statement)]:
        del lines[statement.lineno - 1 : statement.end_lineno]
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(lines).rstrip() + "\n", encoding="utf-8")
    return f"processes.{stem}"


def _lines(title: str, script: Path, definitions: list[Definition], calls: Calls, module: str | None) -> Iterator[str]:
    yield f"# From {script.name}; tipi run {title}"
    yield ""
    if calls.seed is not None:
        yield f"seed = {calls.seed}"
        yield ""
    for definition in definitions:
        yield from _table(definition, calls, f"{module}:{definition.attr}" if module else definition.name)


def _table(definition: Definition, calls: Calls, type_name: str) -> Iterator[str]:
    import tomlkit

    given = calls.arguments.get(definition.attr, {})
    yield f"[processes.{tomlkit.key(definition.name).as_string()}]"
    yield f'type = "{type_name}"'
    if definition.attr not in calls.arguments:
        yield "# the script itself does not call it"
    for parameter in definition.signature.parameters:
        if parameter.name in given:
            comment = "" if parameter.required else f"  # {describe(parameter)}"
            yield f"params.{parameter.name} = {tomlkit.item(given[parameter.name]).as_string()}{comment}"
        elif parameter.required:
            yield f"# {parameter.name}: the permanence or the earlier result of that name"
        else:
            yield f"# params.{describe(parameter)}"
    yield ""
