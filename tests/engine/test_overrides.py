"""Overrides beyond ``key=value``: appending, removing, lists of bases, and references inside values."""

import json

import pytest

from tipi.errors import ConfigError, ConfigProblems, UsageError
from tipi_core.config.reading import raise_problems, read_pipeline

BASE = """
[permanences.data]
type = "Data"
params = { parts = ["a"], size = 8 }

[processes.training]
type = "T"
params = { epochs = 3 }

[processes.testing]
type = "T"
"""


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(text, name="pipeline.toml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def read(path, *words):
    config, problems = read_pipeline("p", path, list(words))
    raise_problems(problems, path)
    return config


def problems_of(path, *words):
    return read_pipeline("p", path, list(words))[1]


def params(config):
    return {spec.name: dict(spec.params) for spec in config.components}


@pytest.mark.parametrize(
    ("word", "parts"),
    [
        ("data.parts+=b", ["a", "b"]),
        ("data.parts+=['b', 'c']", ["a", "b", "c"]),
        ("data.parts+=[['b']]", ["a", ["b"]]),
        ("permanences.data.params.parts+=3", ["a", 3]),
        ('data."parts"+="x=y"', ["a", "x=y"]),
    ],
)
def test_appending_to_a_list(write, word, parts):
    assert read(write(BASE), word).permanences[0].params["parts"] == parts


def test_appending_to_nothing_begins_a_list_and_to_a_number_is_refused(write):
    path = write(BASE)
    assert read(path, "data.more+=1", "data.more+=2").permanences[0].params["more"] == [1, 2]
    with pytest.raises(UsageError, match="which is no list"):
        read(path, "data.size+=1")


def test_removing_a_parameter_a_process_a_section(write):
    path = write(BASE)
    assert params(read(path, "~data.size", "~testing")) == {"data": {"parts": ["a"]}, "training": {"epochs": 3}}
    assert read(path, "~permanences").permanences == ()
    assert read(path, "~data.size", "data.size=9").permanences[0].params["size"] == 9


@pytest.mark.parametrize(
    ("word", "hint"), [("~data.sizes", "'size'"), ("~tesing", "'testing'"), ("~seed", "permanences"), ("~", "write")]
)
def test_removing_what_is_not_there(write, word, hint):
    with pytest.raises(UsageError) as caught:
        read(write(BASE), word)
    assert hint in caught.value.hint


def test_delete_in_a_file_removes_what_the_base_said(write):
    write(BASE, "base.toml")
    path = write(
        'extends = "base.toml"\n[processes]\ntesting = { __delete__ = true }\n'
        "[permanences.data.params]\n__delete__ = true\nsize = 9\n"
    )
    assert params(read(path)) == {"data": {"size": 9}, "training": {"epochs": 3}}


def test_a_delete_that_removes_nothing_is_a_mistake_with_its_place(write):
    write(BASE, "base.toml")
    path = write('extends = "base.toml"\n[processes]\ntestin = { __delete__ = true }\n')
    (problem,) = problems_of(path)
    assert (problem.where, problem.hint) == ("pipeline.toml:3:1", "did you mean 'testing'?")
    path = write('extends = "base.toml"\n[processes]\ntesting = { __delete__ = 1 }\n')
    assert "__delete__ wants true" in problems_of(path)[0].what


def test_extends_as_a_list_the_later_wins(write):
    write(BASE, "a.toml")
    write("[processes.training.params]\nepochs = 4\nlr = 0.1\n", "b.toml")
    path = write('extends = ["a.toml", "b.toml"]\n[processes.training.params]\nlr = 0.2\n')
    assert params(read(path))["training"] == {"epochs": 4, "lr": 0.2}
    with pytest.raises(ConfigError, match="no file") as caught:
        read(write('extends = ["a.toml", "c.toml"]\n'))
    assert caught.value.where == "pipeline.toml:1:1"


REFERENCES = """
seed = 5
[processes.a]
type = "T"
params.whole = "${config:seed}"
params.text = "s${config:a.whole}e"
params.table = "${config:b.inner}"
params.kept = "$${config:seed}"
[processes.b]
type = "T"
params = { inner = { x = [1, "${env:N:2}"] }, dir = "${run:dir}/x", set = "${env:SET}", late = "${env:NOT:a:b}" }
"""


def test_references_keep_the_type_when_they_are_the_whole_value(write, monkeypatch):
    monkeypatch.setenv("SET", "0.5")
    both = params(read(write(REFERENCES), "seed=6"))
    assert both["a"] == {"whole": 6, "text": "s6e", "table": {"x": [1, 2]}, "kept": "${config:seed}"}
    assert both["b"] == {"inner": {"x": [1, 2]}, "dir": "${run:dir}/x", "set": 0.5, "late": "a:b"}


@pytest.mark.parametrize(
    ("value", "what", "hint"),
    [
        ("${env:TIPI_ABSENT}", "the environment has no TIPI_ABSENT", "${env:TIPI_ABSENT:default}"),
        ("${config:x.epoch}", "no key 'epoch'", "did you mean 'epochs'?"),
        ("${config:y.epochs}", "unknown key 'y'", "known keys"),
        ("${run:dirr}", "a run has no 'dirr'", "did you mean 'dir'?"),
        ("${evn:HOME}", "is no reference", "did you mean 'env'?"),
        ("${HOME}", "is no reference", "$${...}"),
        ("a${config:x.t}b", "is no single value", "whole"),
        ("${config:x.v}", "in a circle: processes.x.params.v -> processes.x.params.v", None),
        ("${config:processes}", "in a circle", None),
    ],
)
def test_a_reference_that_leads_nowhere_is_one_problem_at_its_place(write, value, what, hint):
    (problem,) = problems_of(
        write(f'[processes.x]\ntype = "T"\nparams.epochs = 3\nparams.v = "{value}"\nparams.t = {{}}\n')
    )
    assert problem.where == "pipeline.toml:4:8"
    assert what in problem.what
    assert (hint or "") in (problem.hint or "")


def test_values_in_a_circle_name_the_chain(write):
    path = write(
        '[processes.x]\ntype = "T"\nparams = { a = "${config:x.b}", b = "-${config:x.c}", c = "${config:x.a}" }\n'
    )
    assert all("circle" in problem.what for problem in problems_of(path))
    first = problems_of(path)[0].what
    assert "params.a -> processes.x.params.b -> processes.x.params.c -> processes.x.params.a" in first


def test_references_that_double_at_each_step_are_stopped(write):
    lines = [f'v{i} = "${{config:x.v{i + 1}}}${{config:x.v{i + 1}}}"' for i in range(40)]
    path = write('[processes.x]\ntype = "T"\n[processes.x.params]\n' + "\n".join(lines) + '\nv40 = "lol"\n')
    assert any("references" in problem.what or "grows" in problem.what for problem in problems_of(path))


@pytest.fixture
def project(tipi_project):
    tipi_project.write(
        "steps.py",
        """
        from pathlib import Path
        from tipi import pipeline_process

        @pipeline_process
        def keep(out: Path, api_key: str = "", note: str = "", size: int = 1):
            assert out.parent.is_dir()
            return {"out": str(out), "size": size}
        """,
    )
    tipi_project.write("configs/keep.toml", '[processes.keep]\ntype = "keep"\nparams = { out = "${run:dir}/x.txt" }\n')
    return tipi_project


def test_the_folder_of_the_run_is_filled_in_when_there_is_one(project, tipi_run):
    result = tipi_run("keep")
    assert result["keep"]["out"] == str(result.path / "x.txt")
    assert str(result.path) in (result.path / "config.toml").read_text()


SECRET = "s3cr3t-value"  # not one: it stands for one


@pytest.mark.parametrize("words", [[f"keep.api_key={SECRET}"], ["--set", f"keep.api_key='{SECRET}'"]])
def test_secrets_are_masked_on_screen_and_in_the_record(project, cli, words):
    done = cli("inspect", "keep", *words, cwd=project.path)
    assert done.code == 0, done.err
    assert SECRET not in done.out + done.err
    done = cli("run", "keep", *words, cwd=project.path)
    assert done.code == 0, done.err
    (folder,) = (project.path / "runs" / "keep").glob("2*")
    for file in folder.rglob("*"):
        assert not file.is_file() or SECRET not in file.read_text(), file


@pytest.mark.parametrize(
    "lines",
    [
        f'params = {{ out = "x", api_key = "{SECRET}", nte = 1 }}',
        f'params = {{ out = "x", size = "${{config:keep.api_key}}", api_key = "{SECRET}" }}',
        'params = { out = "x", size = "${env:MY_TOKEN}" }',
        'params = { out = "x", size = "a${env:MY_TOKEN}" }',
        f'api_key = "{SECRET}"',
        f'params = {{ api_key = "{SECRET}", "x }}',
    ],
)
def test_secrets_are_masked_in_messages(project, cli, lines):
    project.write("configs/bad.toml", f'[processes.keep]\ntype = "keep"\n{lines}\n')
    done = cli("validate", "bad", cwd=project.path, MY_TOKEN=SECRET)
    assert done.code == 2
    assert SECRET not in done.out + done.err
    assert SECRET not in cli("validate", "bad", "--json", cwd=project.path, MY_TOKEN=SECRET).out


def test_set_is_a_word(project, cli):
    done = cli("run", "keep", "--set", "keep.size=3", "--json", "keep.note=a", cwd=project.path)
    assert json.loads(done.out)["processes"]["keep"]["result"]["size"] == 3
    assert "'size'" in cli("run", "keep", "--set", "keep.sise=3", cwd=project.path).err


def test_a_failing_reference_makes_no_second_problem(project, tipi_run):
    project.write("configs/bad.toml", '[processes.k]\ntype = "keep"\nparams = { out = "x", size = "${env:NOPE_}" }\n')
    with pytest.raises(ConfigProblems) as caught:
        tipi_run("bad")
    assert len(caught.value.problems) == 1
