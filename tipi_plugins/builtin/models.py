"""Small models that need nothing but torch; each takes the shape of one input and the number of classes."""

from __future__ import annotations

from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING

from torch import nn

if TYPE_CHECKING:
    from collections.abc import Sequence


def small_cnn(
    num_classes: int = 10, shape: Sequence[int] = (1, 8, 8), width: int = 32, dropout: float = 0.2
) -> nn.Module:
    """Return a convolutional network for small images: four convolutions, 68,000 parameters at width 32.

    Args:
        num_classes: The number of outputs.
        shape: Channels, height and width of one image; height and width are 4 or more.
        width: Channels of the first two convolutions; the other two have twice as many.
        dropout: The share of features that training leaves out before the last layer.

    Example:
        >>> small_cnn()(torch.zeros(2, 1, 8, 8)).shape  # doctest: +SKIP
        torch.Size([2, 10])
    """
    return nn.Sequential(
        *_convolution(shape[0], width),
        *_convolution(width, width),
        nn.MaxPool2d(2),
        *_convolution(width, 2 * width),
        *_convolution(2 * width, 2 * width),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Dropout(dropout),
        nn.Linear(8 * width, num_classes),
    )


def mlp(
    num_classes: int = 10, shape: Sequence[int] = (1, 8, 8), hidden: Sequence[int] = (128,), dropout: float = 0.0
) -> nn.Module:
    """Return a multi-layer perceptron.

    Args:
        num_classes: The number of outputs.
        shape: The shape of one input, which is flattened.
        hidden: The widths of the hidden layers.
        dropout: The share of features that training leaves out after each hidden layer.

    Example:
        >>> mlp(hidden=(64, 64))(torch.zeros(2, 1, 8, 8)).shape  # doctest: +SKIP
        torch.Size([2, 10])
    """
    widths = [prod(shape), *hidden]
    layers: list[nn.Module] = [nn.Flatten()]
    for before, after in pairwise(widths):
        layers += [nn.Linear(before, after), nn.ReLU(), nn.Dropout(dropout)]
    return nn.Sequential(*layers, nn.Linear(widths[-1], num_classes))


def _convolution(before: int, after: int) -> list[nn.Module]:
    return [nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
