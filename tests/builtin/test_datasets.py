"""The shipped digits, the made-up images, and random shifts."""

from __future__ import annotations

import hashlib
from importlib.resources import files

import pytest
import torch

from tipi_plugins.builtin.datasets import Images, Shifted, digits, synthetic

PER_CLASS = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def test_all_1797_digits_are_there_with_their_values():
    data = digits()
    assert data.images.shape == (1797, 1, 8, 8)
    assert torch.bincount(data.targets).tolist() == PER_CLASS
    assert (data.images.min(), data.images.max()) == (0, 1)
    grey = (data.images * 16).to(torch.uint8)
    digest = hashlib.sha256(bytes(grey.flatten().tolist()) + bytes(data.targets.tolist())).hexdigest()
    assert digest == "87ff0c9e40dc7e2c0e34e7257799c2e3f3aec1a016363bb11cad869ec428a826"


def test_the_first_image_is_the_zero_that_scikit_learn_shows():
    image, target = digits()[0]
    assert target == 0
    assert (image[0, 0] * 16).tolist() == [0, 0, 5, 13, 9, 1, 0, 0]


def test_the_licence_lies_beside_the_data():
    text = files("tipi_plugins.builtin.data").joinpath("LICENSE-digits.txt").read_text()
    for words in ("CC BY 4.0", "E. Alpaydin", "C. Kaynak", "10.24432/C50P49", "What was changed"):
        assert words in text


def test_synthetic_images_are_the_same_for_the_same_seed():
    first, second, other = synthetic(size=20), synthetic(size=20), synthetic(size=20, seed=1)
    assert torch.equal(first.images, second.images)
    assert not torch.equal(first.images, other.images)


def test_synthetic_images_have_the_asked_shape_and_classes():
    data = synthetic(size=10, shape=[3, 4, 5], num_classes=5)
    assert data.images.shape == (10, 3, 4, 5)
    assert torch.bincount(data.targets).tolist() == [2] * 5
    assert len(data.classes) == 5


@pytest.mark.parametrize("pixels", [1, 2])
def test_a_shift_moves_the_whole_image_and_fills_with_zero(pixels):
    image = torch.zeros(1, 9, 9)
    image[0, 4, 4] = 1
    shifted = Shifted(Images(image[None], torch.tensor([7]), ["a"]), pixels)
    seen = set()
    for _ in range(300):
        moved, target = shifted[0]
        assert (moved.shape, moved.sum(), target) == (image.shape, 1, 7)
        seen.add(tuple((moved[0].nonzero()[0] - 4).tolist()))
    around = range(-pixels, pixels + 1)
    assert seen == {(down, right) for down in around for right in around}
