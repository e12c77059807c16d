"""A residual network of ResNet-18's size for small images, such as CIFAR's: 11 million parameters."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional

from tipi_plugins.builtin.models import Size, check_image


class Block(nn.Module):
    """Two convolutions beside a shortcut; the first may halve the image.

    Args:
        before: Channels that come in.
        after: Channels that go out.
        stride: 2 halves height and width.
    """

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(before, after, 3, stride, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(after)
        self.second = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(after)
        same = stride == 1 and before == after
        shortcut = [nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after)]
        self.shortcut = nn.Identity() if same else nn.Sequential(*shortcut)

    def forward(self, images: Tensor) -> Tensor:
        """Return the block's features."""
        inner = functional.relu(self.first_norm(self.first(images)))
        return functional.relu(self.second_norm(self.second(inner)) + self.shortcut(images))


def residual_cnn(
    num_classes: Size = 10, shape: Sequence[Size] = (3, 32, 32), width: Size = 64, blocks: Sequence[Size] = (2, 2, 2, 2)
) -> nn.Module:
    """Return a residual network that begins with one 3x3 convolution, as small images need it.

    Args:
        num_classes: The number of outputs.
        shape: Channels, height and width of one image.
        width: Channels of the first stage; each later stage has twice as many.
        blocks: Blocks in each stage.

    Raises:
        ConfigError: The shape is not that of an image.

    Example:
        >>> residual_cnn(width=8)(torch.zeros(2, 3, 32, 32)).shape  # doctest: +SKIP
        torch.Size([2, 10])
    """
    check_image("residual_cnn", shape)
    layers: list[nn.Module] = [
        nn.Conv2d(shape[0], width, 3, padding=1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
    ]
    before = width
    for stage, count in enumerate(blocks):
        after = width * 2**stage
        for index in range(count):
            layers.append(Block(before, after, stride=2 if stage and not index else 1))
            before = after
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, num_classes))
