"""The page about hooks says what the code says, and the names for plugins change only on purpose."""

import ast
import inspect
import re
from importlib import import_module
from pathlib import Path

import tipi.plugin
from tipi_core import hookspecs
from tipi_core.plugins import PluginHost
from tipi_core.plugins.loading import WRAPPABLE

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "hooks.md").read_text(encoding="utf-8")
SNAPSHOT = Path(__file__).with_name("plugin_names.txt")
PARTS = ["Called", "Arguments", "Result", "Implemented by", "Kind", "If it raises"]
FIRST_PARTY = ("builtin", "cpu", "cuda", "mps", "progress", "tensorboard", "wandb", "xpu")


def specs():
    return {name: spec for name, spec in vars(hookspecs).items() if name.startswith("tipi_")}


def described():
    """Return the page's text about each hook, by its heading."""
    pieces = re.split(r"^### `(tipi_\w+\(.*?\))`$", PAGE.partition("\n## Names\n")[0], flags=re.MULTILINE)
    return dict(zip(pieces[1::2], pieces[2::2], strict=True))


def test_every_hook_stands_in_the_page_with_its_arguments():
    signatures = [f"{name}({', '.join(inspect.signature(spec).parameters)})" for name, spec in specs().items()]
    assert list(described()) == signatures


def test_every_hook_is_described_in_full():
    for heading, text in described().items():
        parts = re.findall(r"^- \*\*(.+?)\*\*: ", text, re.MULTILINE)
        assert parts == PARTS, heading
        (arguments,) = re.findall(r"\*\*Arguments\*\*: (.*?)^- ", text, re.MULTILINE | re.DOTALL)
        names = re.findall(r"\w+", heading.partition("(")[2])
        assert all(f"`{name}`" in arguments for name in names), heading


def test_providers_are_those_whose_first_result_counts_and_may_be_wrapped():
    first = {name for name, spec in specs().items() if spec.tipi_spec["firstresult"]}
    kinds = {
        heading.partition("(")[0]: re.findall(r"\*\*Kind\*\*: (.*?)\.$", text, re.MULTILINE)
        for heading, text in described().items()
    }
    assert {name for name, kind in kinds.items() if kind == ["provider; can be wrapped"]} == set(WRAPPABLE)
    assert first - set(WRAPPABLE) == {"tipi_create_progress"}
    assert kinds["tipi_create_progress"] == ["observer whose first result counts"]
    assert {name for name, kind in kinds.items() if kind == ["observer"]} == set(specs()) - first


def test_who_implements_a_hook_is_said():
    host = PluginHost.load(only=FIRST_PARTY)
    for heading, text in described().items():
        (line,) = re.findall(r"\*\*Implemented by\*\*: (.*)", text)
        said = set(re.findall(r"`(\w+)`", line)) - {"core"}
        assert said == {name for name in FIRST_PARTY if heading.partition("(")[0] in host.hooks_of(name)}, heading


def test_the_names_for_plugins_are_those_of_the_snapshot():
    hint = f"a name that plugins import was added or taken away: if that is meant, change {SNAPSHOT.name} and hooks.md"
    assert tipi.plugin.__all__ == SNAPSHOT.read_text(encoding="utf-8").split(), hint


def test_the_page_lists_every_name_once():
    table = PAGE.partition("\n## Names\n")[2]
    cells = re.findall(r"^\| (`.*?`) \|", table, re.MULTILINE)
    assert sorted(re.findall(r"`(\w+)`", " ".join(cells))) == sorted(tipi.plugin.__all__)


def test_every_name_has_one_home():
    homes = tipi.plugin._HOMES
    assert sorted(homes) == tipi.plugin.__all__
    for name, home in homes.items():
        assert getattr(tipi.plugin, name) is getattr(import_module(home), name)


def test_type_checkers_see_the_same_names_from_the_same_homes():
    tree = ast.parse(Path(tipi.plugin.__file__).read_text(encoding="utf-8"))
    (checked,) = [node for node in tree.body if isinstance(node, ast.If)]
    imported = {
        alias.asname or alias.name: (node.module, alias.name)
        for node in checked.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert imported == {name: (home, name) for name, home in tipi.plugin._HOMES.items()}
