"""Properties of override words: what is written is what is read, and every word is parsed or refused with a hint."""

import json

from hypothesis import given
from hypothesis import strategies as st

from tipi.errors import UsageError
from tipi_core.config.layers import Layer, Layers
from tipi_core.config.overrides import override_layer

KEYS = st.text(min_size=1, max_size=6).filter(str.isprintable)
VALUES = st.integers(-(2**60), 2**60) | st.booleans() | st.lists(st.integers(-9, 9), max_size=3)
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=8)


def quoted(text):
    return json.dumps(text, ensure_ascii=False)


def merged(word, data):
    layers = Layers([Layer("it.toml", data), override_layer("word", word, data)])
    return layers.merged()


@given(KEYS, VALUES | TEXTS)
def test_any_quoted_key_and_any_value_come_back(key, value):
    data = {"processes": {"x": {"type": "T", "params": {key: 0}}}}
    written = quoted(value) if isinstance(value, str) else json.dumps(value)
    assert merged(f"processes.x.params.{quoted(key)}={written}", data)["processes"]["x"]["params"] == {key: value}


@given(KEYS, st.lists(st.integers(-9, 9), max_size=3), st.lists(st.integers(-9, 9), max_size=3))
def test_appending_is_concatenation(key, before, after):
    data = {"processes": {"x": {"type": "T", "params": {key: before}}}}
    assert (
        merged(f"x.params.{quoted(key)}+={json.dumps(after)}", data)["processes"]["x"]["params"][key] == before + after
    )


@given(st.dictionaries(KEYS, st.integers(), min_size=1, max_size=4), st.data())
def test_removing_takes_one_key_and_leaves_the_rest(params, data):
    key = data.draw(st.sampled_from(sorted(params)))
    whole = {"processes": {"x": {"type": "T", "params": params}}}
    left = {name: value for name, value in params.items() if name != key}
    assert merged(f"~processes.x.params.{quoted(key)}", whole)["processes"]["x"]["params"] == left


@given(st.text(max_size=20))
def test_any_word_is_a_layer_or_a_usage_error(word):
    data = {"processes": {"x": {"type": "T", "params": {"a": [1]}}}}
    try:
        layer: Layer | UsageError = override_layer("word", word, data)
    except UsageError as error:
        layer = error
    assert isinstance(layer, UsageError) or isinstance(layer.data, dict)
