"""Splits are disjoint, complete, seeded, and have the same share of every class."""

from __future__ import annotations

import numpy
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import DataLoader, IterableDataset, Subset, TensorDataset

from tipi.plugin import ConfigError
from tipi_plugins.builtin.datasets import digits, synthetic
from tipi_plugins.builtin.splits import find_targets, split_dataset, split_indices

FRACTIONS = st.floats(0, 0.49)


@given(st.lists(st.integers(0, 4), max_size=60), FRACTIONS, FRACTIONS, st.integers(0, 100))
def test_every_item_is_in_exactly_one_part_and_every_class_is_shared_out(classes, val, test, seed):
    targets = torch.tensor(classes, dtype=torch.long)
    parts = split_indices(targets, len(classes), val, test, seed)
    assert sorted(parts["train"] + parts["val"] + parts["test"]) == list(range(len(classes)))
    smallest = min((share for share in (val, test) if share), default=1)
    for name in set(classes):
        count = classes.count(name)
        if not round(count * smallest):
            continue  # it is split together with others that are as small
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


@pytest.mark.parametrize("count", [1, 3, 4])
def test_classes_of_a_few_items_reach_every_part(count):
    targets = torch.arange(20).repeat(count)
    parts = split_indices(targets, len(targets), 0.1, 0.2, seed=0)
    assert len(parts["val"]) >= 2
    assert len(parts["test"]) >= 4
    assert sorted(parts["train"] + parts["val"] + parts["test"]) == list(range(len(targets)))


def test_rare_classes_change_nothing_for_the_others():
    common = torch.arange(3).repeat(20)
    alone = split_indices(common, 60, 0.1, 0.2, seed=0)
    beside = split_indices(torch.cat([common, torch.tensor([3, 4, 4])]), 63, 0.1, 0.2, seed=0)
    for part in ("val", "test"):
        assert [index for index in beside[part] if index < 60] == alone[part]


def test_targets_are_found_in_torchs_own_datasets():
    whole = TensorDataset(torch.zeros(4, 2), torch.tensor([3, 1, 2, 0], dtype=torch.int16))
    assert find_targets(whole).tolist() == [3, 1, 2, 0]
    assert find_targets(Subset(Subset(whole, [3, 2, 1]), [0, 2])).tolist() == [0, 1]
    assert find_targets(TensorDataset(torch.zeros(4))) is None
    assert find_targets(TensorDataset(torch.zeros(4), torch.zeros(4, 2).long())) is None
    assert find_targets(TensorDataset(torch.zeros(4), torch.zeros(4))) is None


@pytest.mark.parametrize(
    "targets", [["cat", "dog", "cat"], [None, 1, 2], numpy.array(["a", "b", "a"], dtype=object), 3]
)
def test_targets_that_are_no_numbers_do_not_stop_a_split(targets):
    class Labelled(list):
        pass

    data = Labelled([1, 2, 3])
    data.targets = targets
    assert find_targets(data) is None
    assert len(split_dataset(data, 0.0, 0.4, seed=0)["test"]) == 1


def test_parts_that_are_all_there_are_taken_as_they_are_even_without_a_length():
    streams = {"train": Stream(), "val": Stream(), "test": [1]}
    assert split_dataset(streams, 0.1, 0.2, seed=0) == streams
    parts = split_dataset({"train": Stream(), "test": None}, 0.0, 0.0, seed=0)
    assert (parts["val"], parts["test"]) == ([], [])


class Stream(IterableDataset):
    def __iter__(self):
        return iter([1, 2, 3])

    def __len__(self):
        return 3


@pytest.mark.parametrize(
    ("dataset", "words"),
    [
        (Stream(), "is a Stream, without a length and positions: no parts can be split off"),
        (iter([1, 2]), "is a list_iterator, without a length"),
        (None, "is a NoneType, without"),
        (DataLoader([1, 2]), "is a DataLoader, return the dataset that it reads"),
        ((torch.zeros(3), numpy.zeros(3)), r"tuple of 2 arrays, make one of them: torch\.utils\.data\.TensorDataset"),
    ],
)
def test_what_is_no_dataset_is_said(dataset, words):
    with pytest.raises(ConfigError, match=words):
        split_dataset(dataset, 0.1, 0.2, seed=0)


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
