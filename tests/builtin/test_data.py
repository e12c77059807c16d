"""The permanence Data: loaders, seeds, and what it says about mistakes."""

from __future__ import annotations

import pytest
import torch

from tipi.plugin import ConfigError
from tipi_plugins.builtin.loaders import Data


def make(**options):
    return Data("synthetic", batch_size=8, options={"size": 80, "num_classes": 4}, **options)


def contents(loader):
    return [(inputs.sum().item(), targets.tolist()) for inputs, targets in loader]


def test_loaders_give_batches_of_all_parts(run):
    data = make()
    inputs, targets = next(iter(data.train_loader))
    assert (inputs.shape, targets.shape, targets.dtype) == ((8, 1, 8, 8), (8,), torch.int64)
    assert [len(loader.dataset) for loader in (data.train_loader, data.val_loader, data.test_loader)] == [56, 8, 16]


def test_it_knows_shape_and_classes(run):
    data = make()
    assert (data.shape, data.num_classes, data.classes[0]) == ((1, 8, 8), 4, "class 0")


def test_the_same_seed_gives_the_same_order_and_each_epoch_another(run):
    first, second = make(seed=3), make(seed=3)
    assert contents(first.train_loader) == contents(second.train_loader)
    assert contents(first.train_loader) != contents(make(seed=4).train_loader)
    once, again = contents(first.train_loader), contents(first.train_loader)
    assert once != again


def test_the_test_part_is_never_shuffled(run):
    data = make()
    assert contents(data.test_loader) == contents(data.test_loader)


def test_only_training_images_are_shifted(run):
    plain, shifted = make(seed=0), make(seed=0, shift=2)
    assert contents(plain.test_loader) == contents(shifted.test_loader)
    assert contents(plain.val_loader) == contents(shifted.val_loader)
    assert contents(plain.train_loader) != contents(shifted.train_loader)


def test_workers_give_the_same_batches(run):
    assert contents(make(seed=1, workers=2).train_loader) == contents(make(seed=1).train_loader)


def test_parts_may_be_left_out(run):
    data = make(val_fraction=0.0, test_fraction=0.0)
    assert (len(data.train_loader), len(data.val_loader), len(data.test_loader)) == (10, 0, 0)
    assert list(data.val_loader) == []


def test_nothing_to_train_on_is_refused_before_anything_trains(run):
    data = Data("synthetic", options={"size": 0})
    with pytest.raises(ConfigError, match="no items to train on"):
        data.validate()


@pytest.mark.parametrize("wrong", [{"batch_size": 0}, {"workers": -1}, {"shift": -1}])
def test_numbers_out_of_range_are_refused(run, wrong):
    with pytest.raises(ConfigError, match="batch_size is 1 or more"):
        Data("synthetic", **wrong)


def test_a_misspelt_name_gets_a_near_miss(run):
    with pytest.raises(ConfigError, match=r"no dataset 'digit', did you mean 'digits'\?"):
        Data("digit")


def test_a_misspelt_option_is_named(run):
    with pytest.raises(ConfigError, match=r"dataset 'synthetic' does not take these options: .*'sizes'"):
        Data("synthetic", options={"sizes": 3})
