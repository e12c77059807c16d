"""What explains: why, config, types, schema, doctor."""

import json
import tomllib

import pytest
from jsonschema import Draft202012Validator

STEPS = """
    from enum import Enum
    from pathlib import Path
    from typing import Literal
    from tipi import Permanence, pipeline_process

    @pipeline_process
    def train(data, epochs: int = 3, mode: Literal["fast", "slow"] = "fast", out: Path = Path("."), key: str = ""):
        '''Train a little.

        More words.
        '''

    class Numbers(Permanence):
        def __init__(self, n: int, scale: float | None = None):
            pass
"""
CONFIG = """
# what it is for
extends = "base.toml"
seed = 1  # the usual one

[processes.training.params]
epochs = 20  # long
key = "s3cr3t-value"
out = "${run:dir}/x"
"""
BASE = """
[permanences.data]
type = "Numbers"
params = { n = 3 }
[processes.training]
type = "train"
params = { epochs = 10, mode = "slow" }
"""


@pytest.fixture
def project(tipi_project):
    tipi_project.write("steps.py", STEPS)
    tipi_project.write("configs/base.toml", BASE)
    tipi_project.write("configs/main.toml", CONFIG)
    return tipi_project


@pytest.fixture
def ask(project, cli):
    def ask(*words, **environment):
        done = cli(*words, cwd=project.path, **environment)
        assert done.code == 0, done.err
        return json.loads(done.out) if "--json" in words else done.out

    return ask


def test_why_shows_every_source_and_what_counts(ask):
    answer = ask("why", "main", "training.epochs", "training.epochs=30", "--json", TIPI_SET_A="training.epochs=25")
    assert answer["key"] == "processes.training.params.epochs"
    assert [(row["value"], row["from"], row["outcome"]) for row in answer["sources"]][1:] == [
        (10, "configs/base.toml:6:12", "shadowed"),
        (20, "configs/main.toml:6:1", "shadowed"),
        (25, "TIPI_SET_A=training.epochs=25", "shadowed"),
        (30, "override training.epochs=30", "counts"),
    ]
    assert answer["sources"][0]["value"] == 3
    assert answer["sources"][0]["from"].startswith("default, ")
    text = ask("why", "main", "training.epochs").splitlines()
    assert text[0] == "processes.training.params.epochs"
    assert text[-1].split() == ["20", "configs/main.toml:6:1", "counts"]


def test_why_of_removed_defaulted_secret_and_referring_values(ask):
    removed = ask("why", "main", "training.mode", "~training.mode", "--json")["sources"]
    assert [row["removes"] for row in removed] == [False, False, True]
    (only,) = ask("why", "main", "data.scale", "--json")["sources"]
    assert (only["value"], only["outcome"]) == (None, "counts")
    assert "s3cr3t" not in ask("why", "main", "training.key")
    assert ask("why", "main", "seed", "seed=${config:data.n}", "--json")["sources"][-1]["stands_for"] == 3


@pytest.mark.parametrize(
    ("key", "hint"),
    [("training.epoch", "'epochs'"), ("trainig.epochs", "'training'"), ("sed", "'seed'"), ("a b", "write")],
)
def test_why_of_what_is_not_there(project, cli, key, hint):
    done = cli("why", "main", key, cwd=project.path)
    assert done.code == 2
    assert hint in done.last_line


def test_config_is_toml_with_comments_and_masked_secrets(ask, project):
    text = ask("config", "main", "seed=2", "training.mode=fast")
    assert text.startswith("# what it is for\n")
    assert "seed = 2  # the usual one" in text
    assert "epochs = 20  # long" in text
    assert "extends" not in text
    data = tomllib.loads(text)
    assert data == ask("config", "main", "seed=2", "training.mode=fast", "--json")
    assert data["processes"]["training"]["params"]["key"] == "********"
    assert data["permanences"]["data"] == {"type": "Numbers", "params": {"n": 3}}
    project.write("configs/again.toml", text)
    assert tomllib.loads(ask("config", "again")) == data


def test_the_difference_of_two_configs(ask):
    rows = {row.pop("key"): row for row in ask("config", "main", "--diff", "base", "--json")}
    assert rows["processes.training.params.epochs"] == {"this": 20, "other": 10}
    assert rows["seed"] == {"this": 1}
    lines = ask("config", "main", "--diff", "base").splitlines()
    assert "- processes.training.params.epochs = 10" in lines
    assert "+ processes.training.params.epochs = 20" in lines
    assert ask("config", "main", "--diff", "main") == ""


def test_types_by_owner(ask):
    rows = {(row["kind"], row["name"]): row for row in ask("types", "--json")}
    assert rows["process", "train"]["owner"] == "project"
    assert rows["process", "train"]["doc"] == "Train a little."
    assert rows["process", "train"]["parameters"]["epochs"] == {"required": False, "default": 3}
    assert rows["process", "TrainingProcess"]["owner"] == "builtin"
    assert ("permanence", "Numbers") not in {(row["kind"], row["name"]) for row in ask("types", "process", "--json")}
    assert ask("types").splitlines()[1].split()[:3] == ["permanence", "Numbers", "project"]


@pytest.fixture
def schema(ask):
    schema = json.loads(ask("schema"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def test_the_schema_accepts_what_tipi_accepts(schema, ask):
    for text in (BASE, CONFIG, 'seed = 3\n[processes.a]\ntype = "steps:train"\nforce = true\n'):
        assert list(schema.iter_errors(tomllib.loads(text))) == []
    assert list(schema.iter_errors(ask("config", "quickstart", "--json"))) == []


@pytest.mark.parametrize(
    "text",
    [
        'sed = 3\n[processes.a]\ntype = "train"',
        'seed = -1\n[processes.a]\ntype = "train"',
        '[processes.a]\ntype = "trian"',
        '[processes.a]\ntype = "Numbers"',
        '[processes.a]\ntype = "train"\nparams = { epoch = 3 }',
        '[processes.a]\ntype = "train"\nparams = { epochs = "x" }',
        '[processes.a]\ntype = "train"\nparams = { mode = "medium" }',
        '[processes.a]\ntype = "train"\nparam = {}',
        '[processes."a b"]\ntype = "train"',
        "[processes.a]",
        '[permanences.a]\ntype = "Numbers"',
        '[processes.a]\ntype = "TrainingProcess"\nparams = { epochs = 1.5 }',
    ],
)
def test_the_schema_refuses_what_tipi_refuses(schema, text):
    assert list(schema.iter_errors(tomllib.loads(text)))


def test_the_schema_goes_to_a_file_and_says_the_line_for_editors(ask, project):
    assert ask("schema", "--output", "configs/schema.json") == "#:schema schema.json\n"
    assert json.loads((project.path / "configs/schema.json").read_text())["title"] == "tipi pipeline"


def test_doctor(ask, project):
    project.write("wave.py", "")
    rows = ask("doctor", "--json")
    found = {row["check"]: row for row in rows}
    assert {"torch", "terminal", "wandb", "plugin", "module"} <= set(found)
    assert found["module"]["found"].endswith("wave.py hides the module 'wave'")
    assert found["module"]["cure"] == "rename wave.py"


def test_doctor_says_whether_there_are_credentials_and_never_which(ask):
    pytest.importorskip("wandb")
    text = ask("doctor", WANDB_API_KEY="0123456789" * 4)
    assert "credentials: yes" in text
    assert "0123456789" not in text
    assert "credentials: no" in ask("doctor")
