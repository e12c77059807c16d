"""Small datasets in memory: handwritten digits, and made-up images for tests and first tries."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from importlib.resources import files
from typing import Annotated

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.data import Dataset

from tipi.plugin import Meta

Size = Annotated[int, Meta(ge=1)]

DIGITS = 1797
PIXELS = 64
DARKEST = 16


class Images(Dataset[tuple[Tensor, Tensor]]):
    """Images and their classes as two tensors.

    Attributes:
        images: Shape (number, channels, height, width), float.
        targets: Shape (number,), int64.
        classes: The name of each class.
    """

    def __init__(self, images: Tensor, targets: Tensor, classes: Sequence[str]) -> None:
        self.images = images
        self.targets = targets
        self.classes = list(classes)

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.images[index], self.targets[index]


class Shifted(Dataset[tuple[Tensor, Tensor]]):
    """A dataset whose images are moved at random by up to ``pixels`` in each direction; what comes in is zero.

    Every look at an image gives another shift, drawn from torch's generator.
    """

    def __init__(self, dataset: Dataset[tuple[Tensor, Tensor]], pixels: int) -> None:
        self.dataset = dataset
        self.pixels = pixels

    def __len__(self) -> int:
        return len(self.dataset)  # type: ignore[arg-type]  # torch's Dataset leaves the length to its children

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        image, target = self.dataset[index]
        right, down = torch.randint(-self.pixels, self.pixels + 1, (2,)).tolist()
        return functional.pad(image, (right, -right, down, -down)), target


def digits() -> Images:
    """Return the 1797 handwritten digits of the UCI repository: 8x8 grey images from 0 to 1, ten classes.

    The data is by E. Alpaydin and C. Kaynak (1998), licensed under CC BY 4.0; see ``data/LICENSE-digits.txt``.

    Example:
        >>> len(digits()), digits()[0][0].shape
        (1797, torch.Size([1, 8, 8]))
    """
    raw = gzip.decompress(files("tipi_plugins.builtin.data").joinpath("digits.gz").read_bytes())
    values = torch.frombuffer(bytearray(raw), dtype=torch.uint8)
    images = values[: DIGITS * PIXELS].reshape(DIGITS, 1, 8, 8).float() / DARKEST
    return Images(images, values[DIGITS * PIXELS :].long(), [str(digit) for digit in range(10)])


def synthetic(
    size: Annotated[int, Meta(ge=0)] = 512,
    shape: Sequence[Size] = (1, 8, 8),
    num_classes: Size = 4,
    noise: Annotated[float, Meta(ge=0)] = 0.5,
    seed: int = 0,
) -> Images:
    """Return made-up images: each class has a random pattern, each image is its class's pattern with noise.

    Args:
        size: The number of images; the classes take turns.
        shape: Channels, height and width.
        num_classes: The number of classes.
        noise: The standard deviation of the noise; the patterns have 1.
        seed: The same seed gives the same images.

    Example:
        >>> len(synthetic(size=8))
        8
    """
    generator = torch.Generator().manual_seed(seed)
    patterns = torch.randn(num_classes, *shape, generator=generator)
    targets = torch.arange(size) % num_classes
    images = patterns[targets] + noise * torch.randn(size, *shape, generator=generator)
    return Images(images, targets, [f"class {index}" for index in range(num_classes)])
