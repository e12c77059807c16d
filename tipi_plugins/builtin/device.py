"""The permanence ``Device``: the run's device as a ``torch.device``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tipi.plugin import device_manager

if TYPE_CHECKING:
    import torch


def pick_device(prefer: str | None = None, min_free: float | str | None = None) -> torch.device:
    """Return the run's device: the accelerator with the most memory free, else the CPU.

    Args:
        prefer: A kind (``"cuda"``) or one device (``"cuda:1"``) to take where it is there.
        min_free: Memory that must be free on it: bytes, or a text such as ``"8 GB"``.

    Example:
        >>> pick_device(prefer="cpu")  # doctest: +SKIP
        device(type='cpu')
    """
    return device_manager.get_device(prefer=prefer, min_free=min_free)
