"""One Python file, read and parsed: its classes, functions and imports at the top level."""

from __future__ import annotations

import ast
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

STARRED = ("Permanence", "PipelineProcess", "pipeline_process")
SKIPPED = frozenset({"runs", "site-packages", "node_modules", "__pycache__", "venv", "env"})


@dataclass(slots=True)
class ModuleSource:
    """The top level of one module.

    Attributes:
        path: The file.
        name: The dotted name under which it is imported.
        classes: Class definitions by name; of two with one name the last counts, as in Python.
        functions: Function definitions by name.
        aliases: What names stand for, where that may be an annotation: ``Count = Annotated[int, ...]``.
        imports: Dotted origin of each imported name, such as ``PP`` -> ``tipi.PipelineProcess``.
        stars: Modules of ``from module import *``.
    """

    path: Path
    name: str
    classes: dict[str, ast.ClassDef] = field(default_factory=dict)
    functions: dict[str, ast.FunctionDef | ast.AsyncFunctionDef] = field(default_factory=dict)
    aliases: dict[str, ast.expr] = field(default_factory=dict)
    imports: dict[str, str] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)

    @classmethod
    def parse(cls, path: Path, name: str) -> ModuleSource:
        """Read a file.

        Raises:
            SyntaxError: It is not valid Python, or not text.
        """
        try:
            tree = ast.parse(path.read_bytes(), str(path))
        except ValueError as error:
            raise SyntaxError(str(error)) from None
        module = cls(path, name)
        for statement in _top_level(tree.body):
            module._add(statement)
        return module

    def dotted(self, node: ast.expr) -> str | None:
        """Return the dotted origin of an expression such as ``tipi.PipelineProcess``; None for anything else."""
        if isinstance(node, ast.Name):
            star = "tipi" if node.id in STARRED and "tipi" in self.stars and node.id not in self.classes else self.name
            return self.imports.get(node.id, f"{star}.{node.id}")
        if isinstance(node, ast.Attribute):
            base = self.dotted(node.value)
            return f"{base}.{node.attr}" if base else None
        if isinstance(node, ast.Subscript):
            return self.dotted(node.value)
        return None

    def _add(self, statement: ast.stmt) -> None:
        if isinstance(statement, ast.ClassDef):
            self.classes[statement.name] = statement
        elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            self.functions[statement.name] = statement
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            self._add_alias(statement)
        elif isinstance(statement, ast.Import):
            for alias in statement.names:
                top = alias.name if alias.asname else alias.name.partition(".")[0]
                self.imports[alias.asname or top] = top
        elif isinstance(statement, ast.ImportFrom):
            self._add_from(statement)

    def _add_alias(self, statement: ast.Assign | ast.AnnAssign) -> None:
        target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
        if isinstance(target, ast.Name) and isinstance(statement.value, ast.Subscript | ast.BinOp):
            self.aliases[target.id] = statement.value

    def _add_from(self, statement: ast.ImportFrom) -> None:
        origin = statement.module or ""
        if statement.level:
            parts = self.name.split(".")
            keep = len(parts) - statement.level + (self.path.name == "__init__.py")
            origin = ".".join([*parts[:keep], *([origin] if origin else [])])
        for alias in statement.names:
            if alias.name == "*":
                self.stars.append(origin)
            else:
                self.imports[alias.asname or alias.name] = f"{origin}.{alias.name}"


def import_roots(root: Path) -> list[Path]:
    """Return the folders from which a project's modules are imported: ``src`` if it is no package, and the root."""
    src = root / "src"
    return [src, root] if src.is_dir() and not (src / "__init__.py").exists() else [root]


def module_name(path: Path, root: Path) -> str:
    """Return the dotted name of a project's file, such as ``processes.training``."""
    base = next(folder for folder in import_roots(root) if folder in path.parents)
    parts = path.relative_to(base).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def python_files(root: Path, skip: Callable[[Path], bool]) -> Iterator[Path]:
    """Yield the Python files under ``root`` in sorted order.

    Left out are hidden folders, ``runs``, virtual environments, installed packages, and folders that ``skip``
    names, such as projects inside the project.
    """
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".")
            and name not in SKIPPED
            and not os.path.exists(os.path.join(folder, name, "pyvenv.cfg"))
            and not skip(Path(folder, name))
        )
        for name in sorted(files):
            if name.endswith(".py"):
                yield Path(folder, name)


def _top_level(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements of a module, those inside ``if``, ``try`` and ``with`` too."""
    for statement in body:
        yield statement
        for name in ("body", "orelse", "finalbody"):
            if isinstance(statement, ast.If | ast.Try | ast.With):
                yield from _top_level(getattr(statement, name, []))
        if isinstance(statement, ast.Try):
            for handler in statement.handlers:
                yield from _top_level(handler.body)
