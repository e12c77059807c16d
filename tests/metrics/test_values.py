"""What can be logged, and what becomes of it."""

import enum
import json
import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tipi_core.metrics.values import capture, resolve

PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
NESTED = st.recursive(PLAIN, lambda inner: st.dictionaries(st.text(), inner, max_size=3), max_leaves=8)


class Refusals(dict):
    def __call__(self, key, reason):
        self[key] = reason


def through(metrics):
    """Log and write, as the record has it; nothing may be refused."""
    refused = Refusals()
    written = resolve(capture(metrics, refused))
    assert not refused
    return written


def meaning(value):
    """Read a written value back as a reader of the record does."""
    return {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}.get(value, value)


@given(st.dictionaries(st.text(), PLAIN))
def test_plain_values_come_through_as_they_are(metrics):
    for key, value in through(metrics).items():
        original = metrics[key]
        if isinstance(original, float):
            assert meaning(value) == original or (math.isnan(meaning(value)) and math.isnan(original))
        else:
            assert value == original
            assert type(value) is type(original)


@given(st.dictionaries(st.text(), NESTED, max_size=4))
def test_whatever_is_nested_is_flat_and_strict_json_afterwards(metrics):
    written = through(metrics)
    assert all(not isinstance(value, dict) for value in written.values())
    json.dumps(written, allow_nan=False)


def test_nested_mappings_get_dotted_keys():
    assert through({"val": {"loss": 0.5, "top": {"1": 0.9}}, "lr": 1}) == {"val.loss": 0.5, "val.top.1": 0.9, "lr": 1}


def test_the_logged_values_do_not_change_with_the_mapping():
    metrics = {"loss": 1.0}
    captured = capture(metrics, print)
    metrics["loss"] = 2.0
    assert captured == {"loss": 1.0}


@pytest.mark.parametrize(("value", "name"), [(math.nan, "NaN"), (math.inf, "Infinity"), (-math.inf, "-Infinity")])
def test_numbers_that_json_has_not_are_written_by_name(value, name):
    assert through({"loss": value}) == {"loss": name}


def test_subclasses_are_written_as_what_they_hold():
    class Phase(str, enum.Enum):  # noqa: UP042 - as many projects still write it
        TRAIN = "training"

    class Level(enum.IntEnum):
        HIGH = 3

    written = through({"phase": Phase.TRAIN, "level": Level.HIGH})
    assert written == {"phase": "training", "level": 3}
    assert [type(value) for value in written.values()] == [str, int]


@pytest.mark.parametrize("value", [[1, 2], (), {1}, object(), print, b"x", Decimal(1), 1j])
def test_anything_else_is_refused_by_key_and_the_rest_of_the_row_stays(value):
    refused = Refusals()
    assert capture({"a": {"bad": value}, "loss": 1.0}, refused) == {"loss": 1.0}
    assert list(refused) == ["a.bad"]
    assert type(value).__name__ in refused["a.bad"]


def test_an_object_that_raises_when_asked_is_refused():
    class Odd:
        def item(self):
            raise RuntimeError("not today")

    refused = Refusals()
    assert capture({"odd": Odd(), "loss": 1.0}, refused) == {"loss": 1.0}
    assert refused == {"odd": "RuntimeError: not today"}


@pytest.mark.parametrize("metrics", [[1], "loss", 1.0, None])
def test_what_is_no_mapping_is_named(metrics):
    with pytest.raises(TypeError, match=rf"takes a mapping .* not a {type(metrics).__name__}"):
        capture(metrics, print)
