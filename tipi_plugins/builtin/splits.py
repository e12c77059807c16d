"""Splits of a dataset: seeded, disjoint, and with the same share of every class in each part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Subset

from tipi.plugin import ConfigError

PARTS = ("train", "val", "test")


def split_dataset(source: Any, val_fraction: float, test_fraction: float, seed: int) -> dict[str, Any]:
    """Return the parts ``train``, ``val`` and ``test`` of a dataset.

    Args:
        source: One dataset to split, or a dict of datasets by part: a part that is missing is split off ``train``.
        val_fraction: The share for ``val``, where it is split off.
        test_fraction: The share for ``test``, where it is split off.
        seed: The same seed gives the same parts.

    Raises:
        ConfigError: The shares leave nothing to train on, a dict has no part ``train``, or a dataset has no length.

    Example:
        >>> {part: len(data) for part, data in split_dataset(list(range(10)), 0.1, 0.2, seed=0).items()}
        {'train': 7, 'val': 1, 'test': 2}
    """
    if min(val_fraction, test_fraction) < 0 or val_fraction + test_fraction >= 1:
        raise ConfigError(
            f"val_fraction = {val_fraction} and test_fraction = {test_fraction} leave nothing to train on",
            hint="both are 0 or more and together less than 1",
        )
    parts = dict(source) if isinstance(source, Mapping) else {"train": source}
    if not set(parts) <= set(PARTS) or "train" not in parts:
        raise ConfigError(f"a dataset has the parts {sorted(map(str, parts))}", hint="wanted: train, and val and test")
    fractions = {
        "val": 0.0 if "val" in parts else val_fraction,
        "test": 0.0 if "test" in parts else test_fraction,
    }
    whole = parts["train"]
    if not hasattr(whole, "__len__"):
        raise ConfigError(
            f"the dataset is a {type(whole).__name__} without a length, so no parts can be split off",
            hint="give it a __len__ and a __getitem__, or write a permanence with a train_loader of your own",
        )
    chosen = split_indices(find_targets(whole), len(whole), fractions["val"], fractions["test"], seed)
    return {part: parts[part] if part in parts and part != "train" else Subset(whole, chosen[part]) for part in PARTS}


def split_indices(
    targets: Tensor | None, size: int, val_fraction: float, test_fraction: float, seed: int
) -> dict[str, list[int]]:
    """Return the positions of each part, split class by class; without ``targets`` all are one class.

    Example:
        >>> split_indices(None, 4, 0.0, 0.5, seed=0)["val"]
        []
    """
    generator = torch.Generator().manual_seed(seed)
    classes = torch.zeros(size, dtype=torch.long) if targets is None else targets
    parts: dict[str, list[int]] = {part: [] for part in PARTS}
    for name in torch.unique(classes):
        members = (classes == name).nonzero().flatten()
        members = members[torch.randperm(len(members), generator=generator)]
        tests, vals = round(len(members) * test_fraction), round(len(members) * val_fraction)
        parts["test"] += members[:tests].tolist()
        parts["val"] += members[tests : tests + vals].tolist()
        parts["train"] += members[tests + vals :].tolist()
    return parts


def find_targets(dataset: Any) -> Tensor | None:
    """Return the class of every item where the dataset tells (``targets`` or ``labels``), else None."""
    for name in ("targets", "labels"):
        targets = getattr(dataset, name, None)
        if targets is not None and len(targets) == len(dataset):
            classes = torch.as_tensor(targets)
            return classes if classes.ndim == 1 and not classes.is_floating_point() else None
    return None
