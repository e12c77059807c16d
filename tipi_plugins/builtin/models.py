"""Small models that need nothing but torch; each takes the shape of one input and the number of classes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import prod
from typing import Annotated

from torch import nn

from tipi.plugin import ConfigError, Meta

Size = Annotated[int, Meta(ge=1)]
Share = Annotated[float, Meta(ge=0, le=1)]


def small_cnn(
    num_classes: Size = 10, shape: Sequence[Size] = (1, 8, 8), width: Size = 32, dropout: Share = 0.2
) -> nn.Module:
    """Return a convolutional network for small images: four convolutions, 68,000 parameters at width 32.

    Args:
        num_classes: The number of outputs.
        shape: Channels, height and width of one image; height and width are 2 or more.
        width: Channels of the first two convolutions; the other two have twice as many.
        dropout: The share of features that training leaves out before the last layer.

    Raises:
        ConfigError: The shape is not that of an image.

    Example:
        >>> small_cnn()(torch.zeros(2, 1, 8, 8)).shape  # doctest: +SKIP
        torch.Size([2, 10])
    """
    check_image("small_cnn", shape, smallest=2)
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
    num_classes: Size = 10, shape: Sequence[Size] = (1, 8, 8), hidden: Sequence[Size] = (128,), dropout: Share = 0.0
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


def check_image(model: str, shape: Sequence[int], smallest: int = 1) -> None:
    """Raise where a shape is not that of an image, or one too small for the model.

    Raises:
        ConfigError: It is not.
    """
    if len(shape) != 3 or min(shape[1:]) < smallest:
        least = "" if smallest == 1 else f" of {smallest}x{smallest} or more"
        what = f"model {model!r} takes images{least}: channels, height, width; the inputs have the shape {tuple(shape)}"
        raise ConfigError(what, hint="mlp takes inputs of any shape")


def _convolution(before: int, after: int) -> list[nn.Module]:
    return [nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
