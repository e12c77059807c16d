"""Images in folders: which are taken, what they become, and what is said of those that cannot be."""

from __future__ import annotations

import numpy
import pytest
import torch

from tipi.plugin import ConfigError
from tipi_plugins.builtin.folders import find_images, folder, read_image
from tipi_plugins.builtin.loaders import Data

Image = pytest.importorskip("PIL.Image")


@pytest.fixture
def images(tmp_path):
    for name, colour in (("cat", (255, 0, 0)), ("dog", (0, 0, 255))):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for index in range(10):
            Image.new("RGB", (6, 4), colour).save(tmp_path / "pets" / name / f"{index}.png")
    return tmp_path / "pets"


def test_images_in_folders(run, images):
    data = Data("folder", batch_size=4, root=str(images))
    assert (data.classes, data.num_classes, data.shape) == (["cat", "dog"], 2, (3, 4, 6))
    inputs, targets = next(iter(data.train_loader))
    assert torch.equal(inputs[:, 0, 0, 0], 1.0 - targets.float())


def test_a_layout_with_parts_keeps_them(run, images):
    for part in ("train", "test"):
        (images.parent / "split" / part).mkdir(parents=True)
        for name in ("cat", "dog"):
            (images.parent / "split" / part / name).symlink_to(images / name)
    data = Data("folder", root=str(images.parent / "split"), options={"mode": "L", "size": [8, 8]})
    assert [len(loader.dataset) for loader in (data.train_loader, data.val_loader, data.test_loader)] == [18, 2, 20]
    assert data.shape == (1, 8, 8)


def test_folders_that_are_missing_or_empty_are_named(run, images, tmp_path):
    with pytest.raises(ConfigError, match=r"there is no folder .*nowhere"):
        Data("folder", root="nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="empty has no images"):
        Data("folder", root=str(tmp_path / "empty"))
    (images / "fish").mkdir()
    with pytest.raises(ConfigError, match="has no images of fish"):
        Data("folder", root=str(images))


def test_an_image_that_is_damaged_or_gone_is_named(run, images):
    found = folder(str(images))
    (images / "cat" / "3.png").write_bytes(b"no image")
    with pytest.raises(OSError, match=r"image .*cat/3\.png cannot be read: .*; replace or remove it"):
        found[3]
    (images / "cat" / "4.png").unlink()
    with pytest.raises(OSError, match=r"image .*cat/4\.png is not there: it is a link to nothing, or gone"):
        found[4]


def sizes(data):
    return [len(loader.dataset) for loader in (data.train_loader, data.val_loader, data.test_loader)]


def test_hidden_files_and_folders_are_no_images(run, images):
    (images / "cat" / "._3.png").write_bytes(b"what a Mac leaves on other disks")
    (images / ".hidden").mkdir()
    (images / "dog" / ".ipynb_checkpoints").mkdir()
    (images / "dog" / "3.png").rename(images / "dog" / ".ipynb_checkpoints" / "3-checkpoint.png")
    (images / "dog" / "4.png").rename(images / "dog" / "4.PNG")
    (images / "dog" / "folder.png").mkdir()
    found = folder(str(images))
    assert (found.classes, len(found)) == (["cat", "dog"], 19)
    assert find_images(images / "dog")[3].name == "4.PNG"


def test_links_are_followed_and_a_circle_of_them_ends(images):
    (images.parent / "more").mkdir()
    (images.parent / "more" / "x.png").write_bytes((images / "cat" / "3.png").read_bytes())
    (images / "cat" / "more").symlink_to(images.parent / "more")
    (images / "cat" / "circle").symlink_to(images / "cat")
    assert len(find_images(images / "cat")) == 11


@pytest.mark.parametrize("names", [("train", "valid", "test"), ("training", "validation", "testing")])
def test_other_names_of_the_parts_are_understood(run, images, names):
    for name, count in zip(names, (10, 4, 6), strict=True):
        for kind in ("cat", "dog"):
            (images.parent / "split" / name / kind).mkdir(parents=True)
            for index in range(count):
                (images.parent / "split" / name / kind / f"{index}.png").symlink_to(images / kind / f"{index}.png")
    data = Data("folder", root=str(images.parent / "split"))
    assert (sizes(data), data.classes) == ([20, 8, 12], ["cat", "dog"])


def test_a_part_may_lack_a_class_and_not_have_others(run, images):
    split = images.parent / "split"
    (split / "val").mkdir(parents=True)
    (split / "train").symlink_to(images)
    (split / "val" / "dog").symlink_to(images / "dog")
    data = Data("folder", root=str(split), test_fraction=0.0)
    assert {int(target) for _, targets in data.val_loader for target in targets} == {1}
    (split / "val" / "fish").symlink_to(images / "cat")
    with pytest.raises(ConfigError, match="val has classes that the images to train on have not: fish"):
        Data("folder", root=str(split))


def test_one_class_is_a_wrong_root(run, images):
    with pytest.raises(ConfigError, match=r"has one class, pets, root is the folder .*: perhaps .*/pets"):
        Data("folder", root=str(images.parent))
    (images / "dog").rename(images.parent / "dog")
    with pytest.raises(ConfigError, match=r"has one class, cat, root is the folder that holds one .* each class$"):
        Data("folder", root=str(images))


def test_images_of_several_sizes_are_named_with_the_cure(run, images):
    Image.new("RGB", (9, 7)).save(images / "cat" / "3.png")
    found = folder(str(images))
    assert found[0][0].shape == (3, 4, 6)
    with pytest.raises(OSError, match=r"cat/3\.png is 7x9 and others 4x6; scale all with options = \{ size = "):
        found[3]
    assert folder(str(images), size=[5, 5])[3][0].shape == (3, 5, 5)


@pytest.mark.parametrize("form", ["png", "tiff"])
def test_sixteen_bits_are_scaled_and_not_cut_off(tmp_path, form):
    values = numpy.array([[0, 256, 32768], [65535, 1000, 40000]], dtype=numpy.uint16)
    Image.fromarray(values).save(tmp_path / f"deep.{form}")
    grey = read_image(tmp_path / f"deep.{form}", "L", None)
    assert torch.allclose(grey[0], torch.tensor(values.astype("float32")) / 65535)
    colours = read_image(tmp_path / f"deep.{form}", "RGB", [4, 6])
    assert (colours.shape, colours.min() >= 0, colours.max() <= 1) == ((3, 4, 6), True, True)
    assert torch.equal(colours[0], colours[2])


def test_values_without_a_known_end_are_refused(tmp_path):
    Image.fromarray(numpy.array([[0.5, 200.0]], dtype=numpy.float32)).save(tmp_path / "depth.tiff")
    with pytest.raises(OSError, match=r"depth\.tiff cannot be read: what its values go up to is not known \(mode F\)"):
        read_image(tmp_path / "depth.tiff", "L", None)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"size": 8}, "'size' of dataset 'folder' wants"),
        ({"size": [8]}, r"'size' of dataset 'folder' wants list\[int >= 1\] of length 2 or None, not \[8\]"),
        ({"size": [0, 8]}, "'size' of dataset 'folder' wants"),
        ({"mode": "rgb"}, "'mode' of dataset 'folder' wants 'RGB' or 'L', not 'rgb'"),
    ],
)
def test_options_that_do_not_fit_are_named_and_no_image_is_blamed(run, images, options, words):
    with pytest.raises(ConfigError, match=words):
        Data("folder", root=str(images), options=options)


def test_the_home_folder_may_be_written_short(run, images, monkeypatch, cli):
    monkeypatch.setenv("HOME", str(images.parent))
    assert sizes(Data("folder", root="~/pets")) == [14, 2, 4]
