"""The types of a project: which classes and functions a config may name, found without executing anything."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tipi_core.components.signature import GIVEN, Signature
from tipi_core.sources.asking import Ask, asks_of_class, asks_of_function, defines
from tipi_core.sources.modules import ModuleSource, import_roots, module_name, python_files
from tipi_core.sources.signatures import ANY_SIGNATURE, decorator_name, read_signature

PROCESS = "process"
PERMANENCE = "permanence"
MAYBE = "maybe"

_HOMES = ("tipi", "tipi.plugin", "tipi.decorators", "tipi_core.components.process", "tipi_core.components.permanence")
_BASES = {f"{home}.PipelineProcess": PROCESS for home in _HOMES} | {f"{home}.Permanence": PERMANENCE for home in _HOMES}
_DECORATORS = {f"{home}.pipeline_process" for home in _HOMES}
_WORDS = re.compile(rb"pipeline_process|PipelineProcess|Permanence")


@dataclass(frozen=True, slots=True)
class Definition:
    """A class or function that may be a type.

    Attributes:
        name: The name for ``type``.
        role: ``process``, ``permanence``, or ``maybe`` where a base class lies outside the project.
        module: Dotted name of its module.
        attr: Its name in the module.
        path: Its file.
        line: Its line.
        is_class: Whether it is a class and not a function.
        signature: What it takes, as far as the source tells.
        doc: Its docstring, or None.
        asks: What it surely asks its controller for.
        skips: Whether it is a class with a ``skip`` of its own.
    """

    name: str
    role: str
    module: str
    attr: str
    path: Path
    line: int
    is_class: bool
    signature: Signature
    doc: str | None
    asks: tuple[Ask, ...] = ()
    skips: bool = False

    @property
    def where(self) -> str:
        """Its place as ``file:line``."""
        return f"{self.path}:{self.line}"


class SourceTree:
    """The Python files of one project, parsed as far as they are asked for.

    Args:
        root: The project's root.
        skip: Tells folders to leave out, such as projects inside the project.
    """

    def __init__(self, root: Path, skip: Callable[[Path], bool] = lambda _: False) -> None:
        self.root = root
        self.broken: dict[Path, str] = {}
        self._skip = skip
        self._files: dict[Path, bytes] | None = None
        self._modules: dict[Path, ModuleSource | None] = {}
        self._found: dict[str, list[Definition]] = {}

    def find(self, name: str) -> list[Definition]:
        """Return the definitions of that type name; only files that mention it are parsed."""
        if name not in self._found:
            self._found[name] = self._find(name)
        return self._found[name]

    def _find(self, name: str) -> list[Definition]:
        word = re.escape(name).encode()
        pattern = re.compile(rb"(?:\bclass|\bdef)\s+%b\b|[\"']%b[\"']" % (word, word))
        found = (
            definition
            for path, text in self.files().items()
            if pattern.search(text)
            for definition in self._definitions(path)
        )
        return [definition for definition in found if definition.name == name]

    def all(self) -> list[Definition]:
        """Return every definition whose role the source tells, sorted by name and place."""
        names = _WORDS
        known: dict[tuple[str, str], Definition] = {}
        while True:
            before = len(known)
            for path, text in self.files().items():
                if names.search(text):
                    for definition in self._definitions(path):
                        if definition.role != MAYBE:
                            known[definition.module, definition.attr] = definition
            if len(known) == before:
                return sorted(known.values(), key=lambda definition: (definition.name, definition.where))
            words = {_WORDS.pattern, *(re.escape(definition.attr).encode() for definition in known.values())}
            names = re.compile(b"|".join(sorted(words)))

    def unmarked(self, name: str) -> list[Definition]:
        """Return top-level functions of that name that lack the decorator, for a hint."""
        pattern = re.compile(rb"\bdef\s+%b\b" % re.escape(name).encode())
        sources = (self._parse(path) for path, text in self.files().items() if pattern.search(text))
        found = (self._definition(source, name, any_function=True) for source in sources if source)
        return [definition for definition in found if definition is not None and not definition.is_class]

    def files(self) -> dict[Path, bytes]:
        """Return the project's Python files with their text."""
        if self._files is None:
            self._files = {}
            for path in python_files(self.root, self._skip):
                try:
                    self._files[path] = path.read_bytes()
                except OSError as error:
                    self.broken[path] = str(error)
        return self._files

    def describe(self, module: str, attr: str) -> Definition | None:
        """Return the definition that ``module:attr`` names in this project, if its source can be read."""
        path = self.module_path(module)
        source = self._parse(path) if path else None
        return self._definition(source, attr, any_function=True) if source else None

    def _definitions(self, path: Path) -> Iterator[Definition]:
        source = self._parse(path)
        for attr in [*source.classes, *source.functions] if source else []:
            definition = self._definition(source, attr) if source else None
            if definition is not None:
                yield definition

    def _definition(self, source: ModuleSource, attr: str, any_function: bool = False) -> Definition | None:
        if attr in source.classes:
            node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef = source.classes[attr]
            role, name = self._role(source, attr, frozenset()), attr
        elif attr in source.functions:
            node = source.functions[attr]
            marked = decorator_name(source, source.functions[attr], _DECORATORS)
            role, name = (PROCESS if marked or any_function else None), marked or attr
        else:
            return None
        if role is None and not any_function:
            return None
        role = role or MAYBE
        signature = self._signature(source, node, role)
        bases = list(self._bases(source, node, frozenset())) if isinstance(node, ast.ClassDef) else []
        return Definition(
            name,
            role,
            source.name,
            attr,
            source.path,
            node.lineno,
            is_class=isinstance(node, ast.ClassDef),
            signature=signature,
            doc=ast.get_docstring(node),
            asks=asks_of_class(bases) if isinstance(node, ast.ClassDef) else asks_of_function(node),
            skips=defines(bases, "skip"),
        )

    def _bases(self, source: ModuleSource, node: ast.ClassDef, seen: frozenset[str]) -> Iterator[ast.ClassDef]:
        """Yield a class and those of its bases whose source can be read, the nearest first."""
        yield node
        for base in node.bases:
            dotted = source.dotted(base)
            home = self._home(dotted) if dotted and dotted not in seen and dotted not in _BASES else None
            if home is not None and home[1] in home[0].classes:
                yield from self._bases(home[0], home[0].classes[home[1]], seen | {str(dotted)})

    def _signature(self, source: ModuleSource, node: ast.AST, role: str) -> Signature:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            return read_signature(source, node, ("controller",))
        assert isinstance(node, ast.ClassDef)
        given = ("controller",) if role == PERMANENCE else GIVEN
        found = self._constructor(source, node, frozenset())
        if found is None:
            return ANY_SIGNATURE
        owner, constructor = found
        return read_signature(owner, constructor, given, method=True) if constructor else Signature(given=given)

    def _constructor(
        self, source: ModuleSource, node: ast.ClassDef, seen: frozenset[str]
    ) -> tuple[ModuleSource, ast.FunctionDef | None] | None:
        """Return where ``__init__`` stands (None in second place: nowhere); None when a base cannot be read."""
        for statement in node.body:
            if isinstance(statement, ast.FunctionDef) and statement.name == "__init__":
                return source, statement
        if node.decorator_list or node.keywords:
            return None
        for base in node.bases:
            dotted = source.dotted(base)
            if dotted is None or dotted in seen:
                return None
            if dotted in _BASES or dotted in ("abc.ABC", "typing.Generic"):
                continue
            home = self._home(dotted)
            if home is None or home[1] not in home[0].classes:
                return None
            found = self._constructor(home[0], home[0].classes[home[1]], seen | {dotted})
            if found is None or found[1] is not None:
                return found
        return source, None

    def _role(self, source: ModuleSource, attr: str, seen: frozenset[str]) -> str | None:
        """Return the role of a class: what its bases are, followed through the project's imports."""
        roles = set()
        for base in source.classes[attr].bases:
            dotted = source.dotted(base)
            if dotted is None or dotted in seen:
                continue
            if dotted in _BASES:
                return _BASES[dotted]
            home = self._home(dotted)
            if home is not None and home[1] in home[0].classes:
                roles.add(self._role(*home, seen | {dotted}))
            elif "." in dotted and not dotted.startswith((f"{source.name}.", "abc.", "typing.")):
                roles.add(MAYBE)
        return next((role for role in (PROCESS, PERMANENCE, MAYBE) if role in roles), None)

    def _home(self, dotted: str, depth: int = 0) -> tuple[ModuleSource, str] | None:
        """Return the project's module that defines a dotted name, followed through re-exports."""
        module, _, attr = dotted.rpartition(".")
        path = self.module_path(module) if module else None
        source = self._parse(path) if path else None
        if source is None or depth > 20:
            return None
        if attr in source.classes or attr in source.functions:
            return source, attr
        candidates = [source.imports[attr]] if attr in source.imports else [f"{star}.{attr}" for star in source.stars]
        homes = (self._home(candidate, depth + 1) for candidate in candidates)
        return next((home for home in homes if home is not None), None)

    def module_path(self, module: str) -> Path | None:
        """Return the project's file of a dotted module name, if it has one."""
        for folder in import_roots(self.root):
            base = folder.joinpath(*module.split("."))
            for path in (base.with_name(f"{base.name}.py"), base / "__init__.py"):
                if path.is_file():
                    return path
        return None

    def _parse(self, path: Path) -> ModuleSource | None:
        if path not in self._modules:
            try:
                self._modules[path] = ModuleSource.parse(path, module_name(path, self.root))
            except (SyntaxError, OSError, StopIteration) as error:
                self._modules[path] = None
                self.broken[path] = str(error)
        return self._modules[path]


def read_definition(target: str) -> Definition | None:
    """Return what the source of an installed ``"module:attr"`` tells, without importing that module.

    Packages around the module are imported, as Python does to find it; None when there is no source to read.
    """
    from importlib.util import find_spec

    module, _, attr = target.partition(":")
    try:
        spec = find_spec(module)
    except (ImportError, ValueError, AttributeError):
        return None
    if spec is None or not spec.origin or not spec.origin.endswith(".py"):
        return None
    path = Path(spec.origin)
    depth = module.count(".") + (1 if path.name == "__init__.py" else 0)
    return SourceTree(path.parents[depth]).describe(module, attr)
