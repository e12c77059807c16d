"""The house stays small: files, functions, and no state in modules beyond what the architecture names."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(path for name in ("tipi", "tipi_core", "tipi_plugins") for path in (ROOT / name).rglob("*.py"))
FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_is_short_and_says_its_one_job_and_so_are_its_functions(path):
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    assert ast.get_docstring(tree), "a module docstring says its one job"
    assert text.count("\n") <= 400
    long = [node.name for node in ast.walk(tree) if isinstance(node, FUNCTIONS) and node.end_lineno - node.lineno >= 60]
    assert not long


def test_functions_are_short_on_the_whole():
    lengths = sorted(
        node.end_lineno - node.lineno + 1
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, FUNCTIONS)
    )
    assert 4 <= lengths[len(lengths) // 2] <= 7
    assert lengths[len(lengths) * 9 // 10] <= 25


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_is_imported_at_the_top_that_windows_lacks(path):
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        assert not {"fcntl", "pty", "termios", "resource"} & set(names)


def test_the_face_holds_nothing_of_its_own():
    """``tipi`` re-exports; only its testing kit, which the engine does not need, has code."""
    for path in (ROOT / "tipi").glob("*.py"):
        if path.name not in ("testing.py", "__main__.py"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            assert not [node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)], path.name
