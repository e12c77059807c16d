"""What a process asks its controller for: the names in ``get_permanence("x")`` and ``get_result("x")``.

Only calls that are reached whenever the process is constructed and executed count, so that a request behind an ``if``
or in a ``try`` is never taken for a need.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

ASKS = {"get_permanence": "permanence", "get_result": "process"}
REACHED = ("__init__", "execute")

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Ask:
    """One request: the kind and name of what is wanted."""

    kind: str
    name: str


def asks_of_class(classes: Iterable[ast.ClassDef]) -> tuple[Ask, ...]:
    """Return what a class asks for; ``classes`` are the class and its bases, the nearest first."""
    chain = list(classes)
    found = (ask for method in REACHED for ask in _asks_of_method(chain, method))
    return tuple(dict.fromkeys(found))


def asks_of_function(function: Function) -> tuple[Ask, ...]:
    """Return what a function with a parameter ``controller`` asks it for."""
    return tuple(dict.fromkeys(_in_body(function.body)))


def defines(classes: Iterable[ast.ClassDef], method: str) -> bool:
    """Return whether one of the classes defines a method."""
    return any(_method(node, method) is not None for node in classes)


def _asks_of_method(chain: list[ast.ClassDef], name: str) -> Iterator[Ask]:
    for node in chain:
        method = _method(node, name)
        if method is not None:
            yield from _in_body(method.body)
            if not _calls_super(method, name):
                return


def _method(node: ast.ClassDef, name: str) -> Function | None:
    found = [part for part in node.body if isinstance(part, Function) and part.name == name]
    return found[-1] if found else None


def _calls_super(method: Function, name: str) -> bool:
    parts = (node for node in ast.walk(method) if isinstance(node, ast.Attribute) and node.attr == name)
    return any(isinstance(part.value, ast.Call) and ast.unparse(part.value.func) == "super" for part in parts)


def _in_body(body: list[ast.stmt]) -> Iterator[Ask]:
    for statement in body:
        for expression in _reached(statement):
            yield from _in_expression(expression)
        if isinstance(statement, ast.With | ast.AsyncWith) and not _may_swallow(statement):
            yield from _in_body(statement.body)
        elif any(isinstance(node, ast.Return | ast.Raise) for node in ast.walk(statement)):
            return


def _reached(statement: ast.stmt) -> list[ast.expr]:
    """Return the expressions of a statement that are evaluated whenever it is."""
    if isinstance(statement, ast.If | ast.While):
        return [statement.test]
    if isinstance(statement, ast.For | ast.AsyncFor):
        return [statement.iter]
    if isinstance(statement, ast.With | ast.AsyncWith):
        return [item.context_expr for item in statement.items]
    simple = ast.Expr | ast.Assign | ast.AnnAssign | ast.AugAssign | ast.Return
    return [statement.value] if isinstance(statement, simple) and statement.value is not None else []


def _may_swallow(statement: ast.With | ast.AsyncWith) -> bool:
    return any("suppress" in ast.unparse(item.context_expr) for item in statement.items)


def _in_expression(node: ast.AST) -> Iterator[Ask]:
    if isinstance(node, ast.Call):
        yield from _in_call(node)
    if isinstance(node, ast.IfExp):
        yield from _in_expression(node.test)
    elif isinstance(node, ast.BoolOp):
        yield from _in_expression(node.values[0])
    elif isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
        yield from _in_expression(node.generators[0].iter)
    elif not isinstance(node, ast.Lambda):
        for child in ast.iter_child_nodes(node):
            yield from _in_expression(child)


def _in_call(node: ast.Call) -> Iterator[Ask]:
    function, first = node.func, node.args[0] if node.args else None
    if not isinstance(function, ast.Attribute) or function.attr not in ASKS:
        return
    named = isinstance(first, ast.Constant) and isinstance(first.value, str)
    if named and ast.unparse(function.value) in ("controller", "self.controller"):
        assert isinstance(first, ast.Constant)
        yield Ask(ASKS[function.attr], str(first.value))
