"""Reading pipelines: layers, overrides, positions, and every structural mistake with its place."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tipi.errors import ConfigError, ConfigProblems, UsageError
from tipi_core.config.overrides import parse_value
from tipi_core.config.positions import locate
from tipi_core.config.reading import raise_problems, read_pipeline
from tipi_core.config.writing import MASK, mask_secrets, to_toml

GOOD = """
seed = 3

[permanences.device]
type = "Device"

[processes.training]
type = "TrainingProcess"
params = { epochs = 10, schedule = { warmup = 2 } }
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


def test_params_reach_the_user_as_plain_types(write):
    config = read(write(GOOD))
    params = config.processes[0].params
    assert params == {"epochs": 10, "schedule": {"warmup": 2}}
    assert [type(value) for value in params.values()] == [int, dict]
    assert config.seed == 3
    assert config.processes[0].where == "pipeline.toml:7:12"
    assert config.processes[0].where_param("epochs") == "pipeline.toml:9:12"


def test_a_params_table_of_its_own_is_the_same_as_an_inline_one(write):
    config = read(write('[processes.x]\ntype = "T"\n[processes.x.params]\nlr = 0.1\n'))
    assert config.processes[0].params == {"lr": 0.1}


@pytest.mark.parametrize(
    "word", ["processes.training.params.epochs=20", "processes.training.epochs=20", "training.epochs=20"]
)
def test_three_ways_to_write_one_override(write, word):
    config = read(write(GOOD), word)
    assert config.processes[0].params["epochs"] == 20
    assert config.processes[0].where_param("epochs") == f"override {word}"


def test_words_win_over_the_environment_which_wins_over_files(write, monkeypatch):
    write('[processes.training]\ntype = "T"\nparams = { a = 0, b = 0, c = 0, d = 0 }\n', "base.toml")
    path = write('extends = "base.toml"\n[processes.training.params]\nb = 1\nc = 1\nd = 1\n')
    monkeypatch.setenv("TIPI_SET_1", "training.c=2")
    monkeypatch.setenv("TIPI_SET_2", "training.d=2")
    assert read(path, "training.d=3").processes[0].params == {"a": 0, "b": 1, "c": 2, "d": 3}


def test_a_circle_of_extends_prints_the_chain(write):
    write('extends = "pipeline.toml"\n', "other.toml")
    with pytest.raises(ConfigError, match=r"circle.*pipeline\.toml -> .*other\.toml -> .*pipeline\.toml"):
        read(write('extends = "other.toml"\n'))


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("trainin.epochs=1", "did you mean 'training'"),
        ("training.epochs", "is no override"),
        ("processes.trainng.epochs=1", "did you mean 'training'"),
        ("=3", "is no override"),
        ("a b=3", "no valid key"),
    ],
)
def test_a_wrong_override_is_a_usage_error_with_a_hint(write, word, message):
    with pytest.raises(UsageError, match=message):
        read(write(GOOD), word)


MISTAKES = [
    ("[permanence.x]\ntype = 'D'\n[processes.a]\ntype = 'A'", "pipeline.toml:1:2", "unknown section 'permanence'"),
    ("seed = 'a'\n[processes.a]\ntype = 'A'", "pipeline.toml:1:1", "seed wants a whole number"),
    ("seed = -1\n[processes.a]\ntype = 'A'", "pipeline.toml:1:1", "seed wants a number from 0"),
    ("[processes.a]\ntyp = 'A'\ntype = 'A'", "pipeline.toml:2:1", "unknown key 'typ'"),
    ("[processes.a]\nepochs = 3\ntype = 'A'", "pipeline.toml:2:1", "unknown key 'epochs'"),
    ("[processes.a]\n", "pipeline.toml:1:12", 'wants type = "..."'),
    ("[processes.a]\ntype = 3", "pipeline.toml:2:1", 'wants type = "..."'),
    ("[processes.a]\ntype = 'A'\nparams = 3", "pipeline.toml:3:1", "wants a table"),
    ("[processes.a]\ntype = 'A'\ncache = true", "pipeline.toml:3:1", "not supported yet"),
    ("[processes.a]\ntype = 'A'\nforce = 1", "pipeline.toml:3:1", "wants true or false"),
    ("[sweep]\n[processes.a]\ntype = 'A'", "pipeline.toml:1:2", "not supported yet"),
    ("processes = 3", "pipeline.toml:1:1", "processes wants a table"),
    ("[processes]\na = 3", "pipeline.toml:2:1", "wants a table"),
    ("[processes.'a b']\ntype = 'A'", "pipeline.toml:1:12", "is no process name"),
    ("description = 'nothing'", "pipeline.toml:1:1", "nothing to run"),
]


@pytest.mark.parametrize(("text", "where", "what"), MISTAKES)
def test_each_mistake_has_its_place(write, text, where, what):
    with pytest.raises(ConfigProblems) as caught:
        read(write(text))
    problem = next(problem for problem in caught.value.problems if what in problem.what)
    assert problem.where == where


def test_all_mistakes_come_in_one_report_in_the_order_of_their_places(write):
    with pytest.raises(ConfigProblems) as caught:
        read(write("seed = 'a'\n[processes.b]\ntyp = 'B'\n[processes.c]\ntype = 'C'\nretries = 2\n"))
    places = [problem.where for problem in caught.value.problems]
    assert places == [f"pipeline.toml:{place}" for place in ("1:1", "3:1", "6:1")]
    report = caught.value.report()
    assert report.splitlines()[-1].startswith("tipi: error[config]: 3 problems in ")
    assert "    typ = 'B'\n    ^\n    did you mean 'type'?" in report


@pytest.mark.parametrize(
    ("text", "where"),
    [("a = \n", "pipeline.toml:1:5"), ("[a]\nb = 1\nb = 2\n", "pipeline.toml:3:1"), ("a = '''x", "pipeline.toml:1:9")],
)
def test_a_syntax_error_has_line_and_column(write, text, where):
    with pytest.raises(ConfigError, match="not TOML") as caught:
        read(write(text))
    assert caught.value.where == where


def test_a_file_that_is_not_text(tmp_path):
    path = tmp_path / "pipeline.toml"
    path.write_bytes(b"a = '\xff'")
    with pytest.raises(ConfigError, match="not UTF-8: byte 5"):
        read(path)


def test_windows_line_ends_and_a_byte_order_mark(tmp_path):
    path = tmp_path / "pipeline.toml"
    path.write_bytes(b"\xef\xbb\xbf[processes.a]\r\ntype = 'A'\r\n[processes.b]\r\ntyp = 'B'\r\n")
    with pytest.raises(ConfigProblems) as caught:
        read(path)
    assert [problem.where.rpartition(".toml:")[2] for problem in caught.value.problems] == ["4:1"]


def test_positions_of_nasty_keys():
    text = """# [no.header]
title = \"\"\"a = 1
[b]\"\"\"
"quoted # key".'x y' = 'it'  # c = 3
[a . "b.c"]
d.e = [1, [2, {f = "}", g.h = 1}], "]"]
[[t]]
n = 1979-05-27 07:32:00
[[t]]
n = { o = [] }
[t.sub]
p = 1
"""
    tomllib.loads(text)
    places = locate(text)
    assert places["quoted # key", "x y"] == (4, 16)
    assert places["a", "b.c", "d", "e", 1, 1, "g", "h"] == (6, 27)
    assert places["t", 0, "n"] == (8, 1)
    assert places["t", 1, "n", "o"] == (10, 7)
    assert places["t", 1, "sub", "p"] == (12, 1)
    assert ("no",) not in places


KEYS = st.from_regex(r"[a-z][a-z0-9_-]{0,8}", fullmatch=True) | st.text(min_size=1, max_size=6).filter(
    lambda text: text.isprintable()
)
VALUES = st.recursive(
    st.integers(-(2**62), 2**62) | st.booleans() | st.text(max_size=8) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_written_config_reads_back_the_same_and_every_key_has_a_place(data):
    import tomlkit

    text = tomlkit.dumps(data)
    assert tomllib.loads(text) == data
    places = locate(text)
    lines = text.split("\n")
    for key in data:
        line, column = places[(key,)]
        rest = lines[line - 1][column - 1 :]
        assert rest.startswith((key, '"', "'")), (text, key)


PLAIN = VALUES | st.datetimes() | st.dates() | st.times() | st.sampled_from([float("inf"), -float("inf"), 1e300])


@given(st.dictionaries(KEYS, PLAIN | st.dictionaries(KEYS, PLAIN, max_size=3), max_size=4))
def test_a_saved_config_reads_back_the_same(data):
    assert tomllib.loads(to_toml(data)) == mask_secrets(data)


@given(st.text(max_size=30))
def test_any_word_is_parsed_and_never_raises(text):
    value = parse_value(text)
    assert value is None or isinstance(value, bool | int | float | str | list | dict) or hasattr(value, "isoformat")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("20", 20),
        ("1e-3", 0.001),
        ("true", True),
        ("True", True),
        ("None", None),
        ("'a'", "a"),
        ("adam", "adam"),
        ("[1, 2]", [1, 2]),
        ("{'a': 1}", {"a": 1}),
        ("1\nb = 2", "1\nb = 2"),
        ("", ""),
    ],
)
def test_values_of_words(text, value):
    assert parse_value(text) == value
    assert type(parse_value(text)) is type(value)


def test_secrets_are_masked_and_near_misses_are_not():
    data = {"api_key": "a", "wandb": {"token": "b", "num_tokens": 3, "password": "c"}, "keys": ["x"], "key": 3}
    masked = {"api_key": MASK, "wandb": {"token": MASK, "num_tokens": 3, "password": MASK}, "keys": ["x"], "key": 3}
    assert mask_secrets(data) == masked
    assert tomllib.loads(to_toml(data)) == masked
