"""What a script's decorated functions need to become processes: order, arguments, seed; nothing is executed."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Calls:
    """How a script calls its functions: the literal keyword arguments of the first call of each, and its seed."""

    arguments: dict[str, dict[str, Any]]
    seed: int | None


def read_calls(tree: ast.Module, parameters: dict[str, list[str]]) -> Calls:
    """Return the calls at the top level of a script and under ``if __name__ == "__main__"``.

    Args:
        tree: The script.
        parameters: The functions to look for, each with its parameters in order.

    Example:
        >>> read_calls(ast.parse("go(2, lr=0.1)"), {"go": ["epochs", "lr"]}).arguments
        {'go': {'epochs': 2, 'lr': 0.1}}
    """
    arguments: dict[str, dict[str, Any]] = {}
    seed = None
    for statement, guarded in _statements(tree):
        for node in _outside_definitions(statement):
            name = ast.unparse(node.func)
            if name in parameters:
                arguments.setdefault(name, _arguments(node, parameters[name]))
            elif guarded and name.endswith(("manual_seed", "seed_everything")) and not arguments:
                seed = _literal(node.args[0]) if node.args else None
    return Calls(arguments, seed if isinstance(seed, int) else None)


def is_guard(statement: ast.stmt) -> bool:
    """Return whether a statement is ``if __name__ == "__main__":``."""
    return isinstance(statement, ast.If) and ast.unparse(statement.test).replace('"', "'") in (
        "__name__ == '__main__'",
        "'__main__' == __name__",
    )


def _statements(tree: ast.Module) -> Iterator[tuple[ast.stmt, bool]]:
    for statement in tree.body:
        if is_guard(statement):
            assert isinstance(statement, ast.If)
            yield from ((inner, True) for inner in statement.body)
        elif not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield statement, False


def _outside_definitions(statement: ast.stmt) -> list[ast.Call]:
    calls = [node for node in ast.walk(statement) if isinstance(node, ast.Call)]
    return sorted(calls, key=lambda node: (node.lineno, node.col_offset))


def _arguments(call: ast.Call, parameters: list[str]) -> dict[str, Any]:
    pairs = [*zip(parameters, call.args, strict=False), *((word.arg, word.value) for word in call.keywords if word.arg)]
    values = {name: _literal(node) for name, node in pairs}
    return {name: value for name, value in values.items() if isinstance(value, bool | int | float | str | list | dict)}


def _literal(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, SyntaxError, TypeError):
        return None
