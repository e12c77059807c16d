"""Images in folders, one folder for each class: the layout of torchvision's ImageFolder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor
from torch.utils.data import Dataset

from tipi.plugin import ConfigError
from tipi_plugins.builtin.packages import import_package

if TYPE_CHECKING:
    from collections.abc import Sequence

KINDS = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
PARTS = ("train", "val", "test")


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
        self.classes = list(classes)
        found = [(index, file) for index, name in enumerate(classes) for file in find_images(folder / name)]
        self.targets = [index for index, _ in found]
        self.files = [file for _, file in found]

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return read_image(self.files[index], self.mode, self.size), self.targets[index]


def folder(
    root: str, mode: Literal["RGB", "L"] = "RGB", size: Sequence[int] | None = None
) -> ImageFolder | dict[str, ImageFolder]:
    """Return the images of ``root/CLASS/``, or of ``root/train/CLASS/`` and the same below ``val`` and ``test``.

    Args:
        root: The folder.
        mode: ``RGB`` gives images of shape (3, height, width), ``L`` grey ones of shape (1, height, width); 0 to 1.
        size: Height and width that every image is scaled to; None leaves them, which must then be all alike.

    Raises:
        ConfigError: The folder is not there or has no images.
        MissingPackage: Pillow is not installed.

    Example:
        >>> folder("data/pets", size=[64, 64])  # doctest: +SKIP
    """
    import_package("PIL", "dataset 'folder'")
    top = Path(root)
    if not top.is_dir():
        raise ConfigError(f"dataset 'folder': there is no folder {top}", hint="name it with root")
    if not (top / "train").is_dir():
        return _open(top, _classes(top), mode, size)
    classes = _classes(top / "train")
    return {part: _open(top / part, classes, mode, size) for part in PARTS if (top / part).is_dir()}


def find_images(folder: Path) -> list[Path]:
    """Return the images anywhere below a folder, sorted."""
    return sorted(file for file in folder.rglob("*") if file.suffix.lower() in KINDS)


def read_image(file: Path, mode: str, size: Sequence[int] | None) -> Tensor:
    """Return an image as floats from 0 to 1, of shape (channels, height, width).

    Raises:
        OSError: It cannot be read; the message names the file.
    """
    from PIL import Image

    try:
        with Image.open(file) as opened:
            image: Any = opened.convert(mode)
            if size is not None:
                image = image.resize((size[1], size[0]))
            values = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8)
    except FileNotFoundError:
        raise OSError(f"image {file} is gone since the run began; put it back and start again") from None
    except Exception as error:  # each format has its own errors
        raise OSError(f"image {file} cannot be read: {error}; replace or remove it") from error
    return values.reshape(image.height, image.width, -1).permute(2, 0, 1).float() / 255


def _classes(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("."))


def _open(folder: Path, classes: Sequence[str], mode: str, size: Sequence[int] | None) -> ImageFolder:
    images = ImageFolder(folder, classes, mode, size)
    if not images.files:
        raise ConfigError(f"dataset 'folder': {folder} has no images", hint=f"wanted: {folder}/CLASS/IMAGE.png")
    empty = [name for name in classes if not find_images(folder / name)]
    if empty:
        raise ConfigError(f"dataset 'folder': {folder} has no images of {', '.join(empty)}", hint="remove or fill it")
    return images
