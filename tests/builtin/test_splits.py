"""Splits are disjoint, complete, seeded, and have the same share of every class."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tipi.plugin import ConfigError
from tipi_plugins.builtin.datasets import digits, synthetic
from tipi_plugins.builtin.splits import find_targets, split_dataset, split_indices

FRACTIONS = st.floats(0, 0.49)


@given(st.lists(st.integers(0, 4), max_size=60), FRACTIONS, FRACTIONS, st.integers(0, 100))
def test_every_item_is_in_exactly_one_part_and_every_class_is_shared_out(classes, val, test, seed):
    targets = torch.tensor(classes, dtype=torch.long)
    parts = split_indices(targets, len(classes), val, test, seed)
    assert sorted(parts["train"] + parts["val"] + parts["test"]) == list(range(len(classes)))
    for name in set(classes):
        count = classes.count(name)
        assert sum(classes[index] == name for index in parts["test"]) == round(count * test)
        assert sum(classes[index] == name for index in parts["val"]) == round(count * val)


@given(st.integers(0, 50), st.integers(0, 5))
def test_the_same_seed_gives_the_same_parts(size, seed):
    assert split_indices(None, size, 0.2, 0.2, seed) == split_indices(None, size, 0.2, 0.2, seed)


def test_another_seed_gives_other_parts():
    targets = digits().targets
    first, second = (split_indices(targets, len(targets), 0.1, 0.2, seed)["test"] for seed in (0, 1))
    assert set(first) != set(second)


def test_the_digits_are_split_70_10_20():
    parts = split_dataset(digits(), 0.1, 0.2, seed=0)
    assert {part: len(data) for part, data in parts.items()} == {"train": 1259, "val": 179, "test": 359}


def test_parts_that_a_dataset_brings_are_kept_and_the_rest_is_split_off():
    own = synthetic(size=30)
    parts = split_dataset({"train": synthetic(size=80), "test": own}, 0.1, 0.2, seed=0)
    assert parts["test"] is own
    assert (len(parts["train"]), len(parts["val"])) == (72, 8)


def test_targets_are_found_where_a_dataset_tells_them():
    class Labelled(list):
        labels = (1, 0, 1)

    assert find_targets(Labelled("abc")).tolist() == [1, 0, 1]
    assert find_targets([1, 2]) is None
    assert find_targets(Labelled("abcd")) is None


@pytest.mark.parametrize(("val", "test"), [(0.5, 0.5), (-0.1, 0.2), (0.0, 1.0)])
def test_shares_that_leave_nothing_are_refused(val, test):
    with pytest.raises(ConfigError, match="leave nothing to train on"):
        split_dataset(synthetic(), val, test, seed=0)


def test_a_dict_without_training_part_is_refused():
    with pytest.raises(ConfigError, match=r"parts \['test'\]"):
        split_dataset({"test": synthetic()}, 0.1, 0.1, seed=0)
