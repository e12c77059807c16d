"""What annotations say is read from source and again from the imported object, with the same answer."""

from collections.abc import Sequence
from typing import Annotated

import pytest
from msgspec import Meta

from tipi_core.components.describing import describe_annotation
from tipi_core.components.naming import NameOf
from tipi_core.components.signature import Signature, check_params
from tipi_core.project.importing import ProjectImports
from tipi_core.sources import SourceTree

SOURCE = """
from __future__ import annotations

import enum
from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto
from pathlib import Path
from typing import Annotated, Literal, Optional, Union

from msgspec import Meta
from tipi import pipeline_process

Count = Annotated[int, Meta(ge=1)]


class Color(Enum):
    RED = "red"
    GREEN = "green"

    def shown(self):
        return self.value


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Kind(StrEnum):
    PLAIN = auto()
    FANCY = auto()


@dataclass
class Optimizer:
    name: str
    rate: float = 0.1
    betas: list[float] = field(default_factory=list)
    color: Color = Color.RED


@pipeline_process
def go(
    count: Count = 1,
    share: Annotated[float, Meta(gt=0, lt=1)] = 0.5,
    word: Annotated[str, Meta(pattern="^a")] = "a",
    mode: Literal["fast", "slow"] = "fast",
    color: Color = Color.RED,
    level: Level | None = None,
    kind: Kind = Kind.PLAIN,
    optimizer: Optimizer | None = None,
    either: Union[int, list[Count]] = 1,
    folder: Optional[Path] = None,
): ...
"""
RIGHT = [
    {"count": 3, "share": 0.1, "word": "abc"},
    {"mode": "slow", "color": "green", "level": 2, "kind": "fancy"},
    {"optimizer": {"name": "sgd", "rate": 1, "betas": [0.1, 0.2], "color": "red"}},
    {"either": [1, 2], "folder": "here"},
]
WRONG = [
    ({"count": 0}, "parameter 'count' of go wants int >= 1, not 0", None),
    ({"count": True}, "parameter 'count' of go wants int >= 1, not True", None),
    ({"share": 1}, "parameter 'share' of go wants float > 0 and < 1, not 1", None),
    ({"word": "b"}, "parameter 'word' of go wants str like '^a', not 'b'", None),
    ({"mode": "fats"}, "parameter 'mode' of go wants 'fast' or 'slow', not 'fats'", "did you mean 'fast'?"),
    ({"color": "gren"}, "parameter 'color' of go wants 'red' or 'green', not 'gren'", "did you mean 'green'?"),
    ({"level": 3}, "parameter 'level' of go wants 1 or 2 or None, not 3", None),
    ({"kind": "fancey"}, "parameter 'kind' of go wants 'plain' or 'fancy', not 'fancey'", "did you mean 'fancy'?"),
    ({"optimizer": {"nmae": "sgd"}}, "unknown parameter 'nmae' of optimizer of go", "did you mean 'name'?"),
    ({"optimizer": {}}, "missing parameter 'name' of optimizer of go", "add it to optimizer"),
    ({"optimizer": {"name": "a", "rate": "b"}}, "parameter 'rate' of optimizer of go wants float, not 'b'", None),
    ({"optimizer": "sgd"}, "parameter 'optimizer' of go wants Optimizer or None, not 'sgd'", None),
    ({"either": [0]}, "parameter 'either' of go wants int or list[int >= 1], not [0]", None),
    ({"folder": 3}, "parameter 'folder' of go wants Path or None, not 3", None),
]


@pytest.fixture
def signatures(tmp_path):
    (tmp_path / "marked_steps.py").write_text(SOURCE)
    found = SourceTree(tmp_path).find("go")
    with ProjectImports(tmp_path) as imports:
        module = imports.module("marked_steps")
        yield [found[0].signature, Signature.of(module.go)]
    __import__("sys").modules.pop("marked_steps")


@pytest.mark.parametrize("params", RIGHT, ids=str)
def test_what_fits_is_taken(signatures, params):
    for signature in signatures:
        assert list(check_params(signature, params, (), "go")) == []


@pytest.mark.parametrize(("params", "what", "hint"), WRONG, ids=str)
def test_what_does_not_fit_is_told_in_the_same_words(signatures, params, what, hint):
    for signature in signatures:
        mistakes = list(check_params(signature, params, (), "go"))
        assert [(mistake.what, mistake.hint) for mistake in mistakes] == [(what, hint)]


def test_a_mistake_inside_a_table_is_found_at_its_key(cli, tipi_project):
    tipi_project.write("marked_steps.py", SOURCE)
    tipi_project.write(
        "configs/go.toml", '[processes.a]\ntype = "go"\n[processes.a.params.optimizer]\nname = "a"\nraet = 1\n'
    )
    done = cli("validate", "go", cwd=tipi_project.path)
    assert done.err.startswith(
        "configs/go.toml:5:1: unknown parameter 'raet' of optimizer of go\n    raet = 1\n    ^\n"
    )
    assert "did you mean 'rate'?" in done.err


@pytest.mark.parametrize(
    "text", ["X = list['X']", "class X(Enum):\n    A = object()", "X = Annotated[int, Meta(ge='a')]"]
)
def test_what_source_cannot_tell_is_left_to_the_import(tmp_path, text):
    head = "from enum import Enum\nfrom typing import Annotated\nfrom msgspec import Meta\nfrom tipi import *\n"
    (tmp_path / "steps.py").write_text(f"{head}{text}\n\n@pipeline_process\ndef go(x: X): ...\n")
    signature = SourceTree(tmp_path).find("go")[0].signature
    assert list(check_params(signature, {"x": "anything"}, (), "go")) == []


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (list[Annotated[str, NameOf("metric")]] | None, "list[str] or None"),
        (Annotated[list[Annotated[int, Meta(ge=1)]], Meta(min_length=2, max_length=2)], "list[int >= 1] of length 2"),
        (Annotated[list[int], Meta(min_length=1)], "list[int] of at least 1"),
        (Sequence[int], "list[int]"),
    ],
)
def test_annotations_are_described_as_toml_has_them(annotation, words):
    assert describe_annotation(annotation) == words
