"""The permanence Data: loaders, seeds, and what it says about mistakes."""

from __future__ import annotations

import random
from types import SimpleNamespace

import numpy
import pytest
import torch
from torch.utils.data import Dataset, IterableDataset, Subset, TensorDataset

from tipi.plugin import ConfigError
from tipi_plugins.builtin.datasets import digits
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


@pytest.mark.parametrize(("batch_size", "sizes"), [(30, [30, 30]), (36, [36, 36]), (100, [72])])
def test_a_smaller_last_batch_may_be_left_out_of_training(run, batch_size, sizes):
    data = Data("synthetic", batch_size=batch_size, drop_last=True, options={"size": 100})
    assert [len(targets) for _, targets in data.train_loader] == sizes
    assert sum(len(targets) for _, targets in data.test_loader) == 20


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
    with pytest.raises(ConfigError, match=r"unknown parameter 'sizes' of dataset 'synthetic', did you mean 'size'\?"):
        Data("synthetic", options={"sizes": 3})


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"size": "many"}, "'size' of dataset 'synthetic' wants int >= 0, not 'many'"),
        ({"num_classes": 0}, "'num_classes' of dataset 'synthetic' wants int >= 1, not 0"),
        ({"shape": "wide"}, "'shape' of dataset 'synthetic' wants"),
        ({"noise": -1.0}, "'noise' of dataset 'synthetic' wants float >= 0"),
    ],
)
def test_options_of_the_wrong_kind_or_range_are_named(run, options, words):
    with pytest.raises(ConfigError, match=words):
        Data("synthetic", options=options)


class Finds:
    """The part of a controller that finds one dataset."""

    def __init__(self, factory, root):
        self.factory = factory
        self.run = SimpleNamespace(root=root, seed=0)

    def find_resource(self, kind, name):
        return self.factory


def labelled(path, size: int = 40):
    return TensorDataset(torch.zeros(size, 3), torch.arange(size) % 5)


def test_an_option_that_is_missing_is_named(run, tmp_path):
    controller = Finds(labelled, tmp_path)
    with pytest.raises(ConfigError, match="missing parameter 'path' of dataset 'mine:it', give it in options"):
        Data("mine:it", controller=controller)
    data = Data("mine:it", controller=controller, options={"path": "x"})
    assert (data.num_classes, data.shape, len(data.test_loader.dataset)) == (5, (3,), 10)


def test_a_subset_keeps_the_names_of_its_classes(run, tmp_path):
    controller = Finds(lambda: Subset(digits(), range(500)), tmp_path)
    data = Data("mine:it", controller=controller)
    assert (data.num_classes, data.classes[3]) == (10, "3")


class Stream(IterableDataset):
    def __iter__(self):
        return iter([(torch.zeros(3), 0)] * 20)


@pytest.mark.parametrize("workers", [0, 2])
def test_streams_of_all_parts_are_loaded(run, tmp_path, workers):
    parts = {"train": Stream(), "val": Stream(), "test": None}
    data = Data("mine:it", batch_size=8, controller=Finds(lambda: parts, tmp_path), test_fraction=0, workers=workers)
    data.validate()
    assert sum(len(targets) for _, targets in data.train_loader) == 20 * max(1, workers)
    assert list(data.test_loader) == []


@pytest.mark.parametrize(("shift", "shape"), [(8, [1, 8, 8]), (1, [64])])
def test_a_shift_that_inputs_cannot_take_is_said(run, shift, shape):
    with pytest.raises(ConfigError, match=f"shift = {shift} does not go with inputs of shape"):
        Data("synthetic", shift=shift, options={"shape": shape})


class Drawn(Dataset):
    """Each item is what the three generators give at that moment."""

    def __len__(self):
        return 8

    def __getitem__(self, index):
        return torch.tensor([random.random(), numpy.random.rand(), torch.rand(()).item()]), index


def draw(workers, tmp_path, seed=3):
    whole = {"train": Drawn(), "val": Drawn(), "test": Drawn()}
    loader = Data("mine:it", batch_size=1, controller=Finds(lambda: whole, tmp_path), workers=workers, seed=seed)
    return [torch.cat([item for item, _ in loader.train_loader]) for _ in range(2)]


def test_workers_are_seeded_each_its_own_way_and_anew_each_epoch(run, tmp_path):
    first, second = draw(2, tmp_path)
    assert len({round(value, 12) for value in torch.cat([first, second]).flatten().tolist()}) == 48
    again = draw(2, tmp_path)
    assert torch.equal(first, again[0])
    assert torch.equal(second, again[1])
    assert not torch.equal(first, draw(2, tmp_path, seed=4)[0])
