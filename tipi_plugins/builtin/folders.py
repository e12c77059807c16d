"""Images in folders, one folder for each class: the layout of torchvision's ImageFolder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import torch
from torch import Tensor
from torch.utils.data import Dataset

from tipi.plugin import ConfigError, Meta
from tipi_plugins.builtin.packages import import_package

if TYPE_CHECKING:
    from collections.abc import Sequence

Size = Annotated[list[Annotated[int, Meta(ge=1)]], Meta(min_length=2, max_length=2)]

KINDS = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
DEEP, DEEPEST = ("I;16", "I;16B", "I;16L", "I;16N"), 65535  # grey images that pillow would cut off at 255
ENDLESS = ("I", "F")
PARTS = {"train": ("train", "training"), "val": ("val", "valid", "validation"), "test": ("test", "testing")}


class ImageFolder(Dataset[tuple[Tensor, int]]):
    """The images of one folder, read when they are asked for.

    Attributes:
        files: The images' files, class by class.
        targets: The class of each.
        classes: The names of the folders, sorted.
    """

    def __init__(self, folder: Path, classes: Sequence[str], mode: str, size: Sequence[int] | None) -> None:
        self.mode = mode
        self.size = size
        self.shape: torch.Size | None = None  # of the first image that is read: batches need all alike
        self.classes = list(classes)
        found = [(index, file) for index, name in enumerate(classes) for file in find_images(folder / name)]
        self.targets = [index for index, _ in found]
        self.files = [file for _, file in found]

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        file = self.files[index]
        image = read_image(file, self.mode, self.size)
        self.shape = self.shape or image.shape
        if image.shape != self.shape:
            sizes = f"is {_measure(image.shape)} and others {_measure(self.shape)}"
            raise OSError(f"image {file} {sizes}; scale all with options = {{ size = [height, width] }}")
        return image, self.targets[index]


def folder(
    root: str, mode: Literal["RGB", "L"] = "RGB", size: Size | None = None
) -> ImageFolder | dict[str, ImageFolder]:
    """Return the images of ``root/CLASS/``, or of ``root/train/CLASS/`` and the same below ``val`` and ``test``.

    ``training``, ``valid``, ``validation`` and ``testing`` are understood too. Files and folders whose names begin with
    a dot are left out, links are followed.

    Args:
        root: The folder.
        mode: ``RGB`` gives images of shape (3, height, width), ``L`` grey ones of shape (1, height, width); 0 to 1.
        size: Height and width that every image is scaled to; None leaves them, which must then be all alike.

    Raises:
        ConfigError: The folder is not there, has no images or only one class, or a part has another's classes.
        MissingPackage: Pillow is not installed.

    Example:
        >>> folder("data/pets", size=[64, 64])  # doctest: +SKIP
    """
    import_package("PIL", "dataset 'folder'")
    top = Path(root)
    if not top.is_dir():
        raise ConfigError(f"dataset 'folder': there is no folder {top}", hint="name it with root")
    parts = find_parts(top)
    if "train" not in parts:
        return _open(top, _classes(top), mode, size)
    classes = _classes(parts["train"])
    return {part: _open(place, classes, mode, size, whole=part == "train") for part, place in parts.items()}


def find_parts(top: Path) -> dict[str, Path]:
    """Return the folders of the parts that a folder is divided into.

    Example:
        >>> find_parts(Path("/nowhere"))
        {}
    """
    places = {part: [top / name for name in names if (top / name).is_dir()] for part, names in PARTS.items()}
    return {part: found[0] for part, found in places.items() if found}


def find_images(folder: Path) -> list[Path]:
    """Return the images anywhere below a folder, sorted."""
    found, seen = [], set()
    for place, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        folders[:] = [] if real in seen else [name for name in folders if not name.startswith(".")]
        if real not in seen:  # a link to a folder above it would go on for ever
            found += [Path(place, name) for name in names if name.lower().endswith(KINDS) and not name.startswith(".")]
        seen.add(real)
    return sorted(found)


def read_image(file: Path, mode: str, size: Sequence[int] | None) -> Tensor:
    """Return an image as floats from 0 to 1, of shape (channels, height, width).

    Raises:
        OSError: It cannot be read; the message names the file.
    """
    from PIL import Image

    try:
        with Image.open(file) as opened:
            return _to_tensor(opened, mode, size)
    except FileNotFoundError:
        raise OSError(f"image {file} is not there: it is a link to nothing, or gone since the run began") from None
    except Exception as error:  # each format has its own errors
        raise OSError(f"image {file} cannot be read: {error}; replace or remove it") from error


def _to_tensor(image: Any, mode: str, size: Sequence[int] | None) -> Tensor:
    if image.mode in ENDLESS:
        raise ValueError(f"what its values go up to is not known (mode {image.mode})")
    is_deep = image.mode in DEEP
    image = image.convert("I").convert("F") if is_deep else image.convert(mode)
    if size is not None:
        image = image.resize((size[1], size[0]))
    values = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.float32 if is_deep else torch.uint8)
    values = values.reshape(image.height, image.width, -1).permute(2, 0, 1)
    return (values / DEEPEST).clamp(0, 1).expand(len(mode), -1, -1) if is_deep else values.float() / 255


def _measure(shape: Sequence[int]) -> str:
    return f"{shape[1]}x{shape[2]}"


def _classes(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("."))


def _open(
    folder: Path, classes: Sequence[str], mode: str, size: Sequence[int] | None, whole: bool = True
) -> ImageFolder:
    """Return the images of one part; of the ``whole``, or the one that is trained on, every class must have some."""
    images = ImageFolder(folder, classes, mode, size)
    if not images.files:
        raise ConfigError(f"dataset 'folder': {folder} has no images", hint=f"wanted: {folder}/CLASS/IMAGE.png")
    filled = set(images.targets)
    empty = [name for index, name in enumerate(classes) if index not in filled]
    if whole and empty:
        raise ConfigError(f"dataset 'folder': {folder} has no images of {', '.join(empty)}", hint="remove or fill it")
    if len(classes) == 1:
        perhaps = f": perhaps {folder / classes[0]}" if _classes(folder / classes[0]) else ""
        hint = f"root is the folder that holds one folder for each class{perhaps}"
        raise ConfigError(f"dataset 'folder': {folder} has one class, {classes[0]}", hint=hint)
    unknown = [name for name in _classes(folder) if name not in classes]
    if unknown:
        what = f"dataset 'folder': {folder} has classes that the images to train on have not: {', '.join(unknown)}"
        raise ConfigError(what, hint="give each part the same folders")
    return images
