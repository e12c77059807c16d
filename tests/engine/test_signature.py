"""Signatures: the same parameters whether read from source or by inspection, and what fits them."""

import enum
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tipi_core.components.signature import UNKNOWN, Parameter, Signature, bind, check_params, convert
from tipi_core.errors import nearest
from tipi_core.sources import SourceTree, read_definition

SOURCE = """
    from __future__ import annotations
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Any, Literal, Optional, Union
    import torch.nn as nn

    def plain(a, b: int, c: "float" = 1.0, *, d: bool = False, e: str | None = None, **rest): pass
    def rich(p: Path, q: Optional[int] = None, r: Literal["x", 1] = "x", s: list[int] = (), t: dict[str, float] = {}):
        pass
    def foreign(m: nn.Module, x: Any, y: "Unknown", z: Union[int, str] = 3): pass

    class Base:
        def __init__(self, controller, force: bool = False, k: int = 1): pass

    class Child(Base):
        pass
"""


@pytest.fixture
def tree(tmp_path):
    (tmp_path / "given.py").write_text(textwrap.dedent(SOURCE))
    return SourceTree(tmp_path)


def parameters(tree, name):
    definition = tree.describe("given", name)
    return {parameter.name: parameter for parameter in definition.signature.parameters}, definition.signature


def test_names_defaults_and_annotations_are_read_without_importing(tree):
    found, signature = parameters(tree, "plain")
    assert [(name, p.required) for name, p in found.items()] == [
        ("a", True), ("b", True), ("c", False), ("d", False), ("e", False),
    ]  # fmt: skip
    assert [p.annotation for p in found.values()] == [UNKNOWN, int, float, bool, str | None]
    assert found["c"].default == 1.0
    assert signature.open


def test_containers_literals_and_unions_are_read_too(tree):
    found, signature = parameters(tree, "rich")
    assert [p.annotation for p in found.values()] == [
        Path, int | None, Literal["x", 1], list[int], dict[str, float],
    ]  # fmt: skip
    assert not signature.open


def test_what_only_an_import_could_tell_is_left_unchecked(tree):
    found, _ = parameters(tree, "foreign")
    assert [p.annotation for p in found.values()] == [UNKNOWN, Any, UNKNOWN, int | str]


def test_an_inherited_constructor_is_followed(tree):
    _, signature = parameters(tree, "Child")
    assert signature.names == ["controller", "force", "k"] or signature.names == ["k"]


def test_source_and_inspection_agree(tmp_path, tree):
    names = {}
    source = textwrap.dedent(SOURCE).replace("import torch.nn as nn", "import types as nn; nn.Module = nn.ModuleType")
    exec(compile(source, "given", "exec"), names)
    for name in ("plain", "rich"):
        read, signature = parameters(tree, name)
        inspected = Signature.of(names[name])
        assert [p.name for p in inspected.parameters] == list(read)
        assert [p.required for p in inspected.parameters] == [p.required for p in read.values()]
        assert [p.annotation for p in inspected.parameters] == [p.annotation for p in read.values()]
        assert inspected.open == signature.open


def test_the_signature_of_a_plugins_class_is_read_without_importing_its_module():
    import subprocess
    import sys

    code = (
        "import sys; from tipi_core.sources import read_definition\n"
        "d = read_definition('tipi_plugins.builtin.training:TrainingProcess')\n"
        "assert 'epochs' in d.signature.names and 'torch' not in sys.modules, sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_what_has_no_source_has_no_definition():
    assert read_definition("math:sqrt") is None
    assert read_definition("no_such_module_here:x") is None


class Color(enum.Enum):
    RED = "red"


@dataclass
class Point:
    x: int
    y: float = 0.0


class Foreign:
    pass


FITS = [
    (int, 3, 3),
    (float, 3, 3.0),
    (float, 0.5, 0.5),
    (bool, True, True),
    (str, "a", "a"),
    (Path, "a/b", Path("a/b")),
    (str | Path, "a", "a"),
    (Path | None, "a", Path("a")),
    (int | Foreign, 3, 3),
    (list | tuple, [1], [1]),
    (Literal["a", "b"], "a", "a"),
    (Color, "red", Color.RED),
    (Point, {"x": 1}, Point(1)),
    (list[int], [1, 2], [1, 2]),
    (dict[str, float], {"a": 1}, {"a": 1.0}),
    (Any, {"a": [1]}, {"a": [1]}),
    (object, 3, 3),
    (UNKNOWN, 3, 3),
]


@pytest.mark.parametrize(("annotation", "value", "expected"), FITS)
def test_values_that_fit_arrive_as_the_annotation_wants_them(annotation, value, expected):
    converted = convert(Parameter("p", True, None, annotation), value)
    assert converted == expected
    assert type(converted) is type(expected)


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (int, "3"), (int, 3.5), (int, True), (float, "x"), (bool, 1), (str, 3), (Path, 3), (Literal["a"], "b"),
        (Color, "blue"), (Point, {"z": 1}), (list[int], ["a"]), (int | None, "a"), (Foreign, 3), (Foreign | None, "a"),
    ],
)  # fmt: skip
def test_values_that_do_not_fit_are_refused(annotation, value):
    with pytest.raises(ValueError, match=r"wants .*, not "):
        convert(Parameter("p", True, None, annotation), value)


def test_a_default_of_none_takes_none():
    assert convert(Parameter("p", False, None, int), None) is None


def test_a_foreign_type_is_told_to_come_from_a_permanence():
    (mistake,) = check_params(Signature((Parameter("model", True, None, Foreign),)), {"model": "x"}, (), "Train")
    assert mistake.hint == "TOML cannot hold a Foreign: name a permanence 'model'"


NAMES = st.text("abcdef", min_size=1, max_size=3)


@given(
    st.dictionaries(NAMES, st.integers(), max_size=5),
    st.sets(NAMES, max_size=5),
)
def test_binding_gives_each_checked_parameter_exactly_once(params, provided):
    """Whatever passes the check binds: params win over what is provided, and nothing else gets in."""
    signature = Signature(tuple(Parameter(name, required=True, annotation=int) for name in ("a", "b", "c")))
    mistakes = list(check_params(signature, params, provided, "f"))
    unknown, missing = set(params) - set("abc"), set("abc") - set(params) - provided
    meant = {hit for name in unknown for hit in nearest(name, "abc", limit=1)}
    assert len(mistakes) == len(unknown) + len(missing - meant)  # a misspelt parameter is not missed as well
    if not mistakes:
        bound = bind(signature, params, dict.fromkeys(provided, "provided"))
        assert bound == {name: params.get(name, "provided") for name in "abc"}
