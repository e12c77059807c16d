"""Splits of a dataset: seeded, disjoint, and with the same share of every class in each part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, Subset, TensorDataset

from tipi.plugin import ConfigError

PARTS = ("train", "val", "test")


def split_dataset(source: Any, val_fraction: float, test_fraction: float, seed: int) -> dict[str, Any]:
    """Return the parts ``train``, ``val`` and ``test`` of a dataset.

    Args:
        source: One dataset to split, or a dict of datasets by part: a part that is missing, or None, is split off
            ``train``.
        val_fraction: The share for ``val``, where it is split off.
        test_fraction: The share for ``test``, where it is split off.
        seed: The same seed gives the same parts.

    Raises:
        ConfigError: The shares leave nothing to train on, a dict has no part ``train``, or it is no dataset that can be
            split.

    Example:
        >>> {part: len(data) for part, data in split_dataset(list(range(10)), 0.1, 0.2, seed=0).items()}
        {'train': 7, 'val': 1, 'test': 2}
    """
    if min(val_fraction, test_fraction) < 0 or val_fraction + test_fraction >= 1:
        raise ConfigError(
            f"val_fraction = {val_fraction} and test_fraction = {test_fraction} leave nothing to train on",
            hint="both are 0 or more and together less than 1",
        )
    named = source if isinstance(source, Mapping) else {"train": source}
    parts = {part: data for part, data in named.items() if data is not None or len(named) == 1}
    if not set(parts) <= set(PARTS) or "train" not in parts:
        raise ConfigError(f"a dataset has the parts {sorted(map(str, parts))}", hint="wanted: train, and val and test")
    fractions = {
        "val": 0.0 if "val" in parts else val_fraction,
        "test": 0.0 if "test" in parts else test_fraction,
    }
    for data in parts.values():
        _check_kind(data)
    if not any(fractions.values()):
        return {part: parts.get(part, []) for part in PARTS}
    whole = parts["train"]
    _check_positions(whole)
    chosen = split_indices(find_targets(whole), len(whole), fractions["val"], fractions["test"], seed)
    return {part: parts[part] if part in parts and part != "train" else Subset(whole, chosen[part]) for part in PARTS}


def _check_kind(data: Any) -> None:
    if isinstance(data, DataLoader):
        raise ConfigError(
            "the dataset is a DataLoader", hint="return the dataset that it reads; Data makes the loaders"
        )
    if isinstance(data, tuple) and data and all(hasattr(part, "shape") for part in data):
        what = f"the dataset is a tuple of {len(data)} arrays"
        raise ConfigError(what, hint="make one of them: torch.utils.data.TensorDataset(inputs, targets)")


def _check_positions(whole: Any) -> None:
    counted = hasattr(whole, "__len__") and hasattr(whole, "__getitem__")
    if not counted or isinstance(whole, IterableDataset):
        raise ConfigError(
            f"the dataset is a {type(whole).__name__}, without a length and positions: no parts can be split off",
            hint="give it __len__ and __getitem__, or return a dict with train, val and test",
        )


def split_indices(
    targets: Tensor | None, size: int, val_fraction: float, test_fraction: float, seed: int
) -> dict[str, list[int]]:
    """Return the positions of each part, split class by class; without ``targets`` all are one class.

    Classes so small that a part would have nothing of them are split together, as if they were one.

    Example:
        >>> split_indices(None, 4, 0.0, 0.5, seed=0)["val"]
        []
    """
    generator = torch.Generator().manual_seed(seed)
    classes = torch.zeros(size, dtype=torch.long) if targets is None else targets
    parts: dict[str, list[int]] = {part: [] for part in PARTS}
    for ordered in _members(classes, min((one for one in (val_fraction, test_fraction) if one), default=1.0)):
        members = ordered[torch.randperm(len(ordered), generator=generator)]
        tests, vals = round(len(members) * test_fraction), round(len(members) * val_fraction)
        parts["test"] += members[:tests].tolist()
        parts["val"] += members[tests : tests + vals].tolist()
        parts["train"] += members[tests + vals :].tolist()
    return parts


def _members(classes: Tensor, smallest: float) -> Sequence[Tensor]:
    """Return the positions of each class's items; last, together, those of classes with no ``smallest`` share."""
    _, places, counts = torch.unique(classes, return_inverse=True, return_counts=True)
    rare = torch.tensor([round(count * smallest) == 0 for count in counts.tolist()], dtype=torch.bool)
    places[rare[places]] = len(counts)
    return torch.split(torch.sort(places, stable=True).indices, torch.bincount(places).tolist())


def find_targets(dataset: Any) -> Tensor | None:
    """Return the class of every item where the dataset tells, else None.

    It tells by ``targets`` or ``labels``; of torch's own, a ``TensorDataset`` by its last tensor and a ``Subset`` by
    what it is taken from.

    Example:
        >>> find_targets(TensorDataset(torch.zeros(2, 8), torch.tensor([1, 0])))
        tensor([1, 0])
    """
    if isinstance(dataset, Subset):
        whole = find_targets(dataset.dataset)
        return None if whole is None else whole[torch.as_tensor(dataset.indices, dtype=torch.long)]
    if isinstance(dataset, TensorDataset):
        return _class_numbers(dataset.tensors[-1], len(dataset)) if len(dataset.tensors) > 1 else None
    found = [getattr(dataset, name, None) for name in ("targets", "labels")]
    return next((_class_numbers(one, len(dataset)) for one in found if one is not None), None)


def _class_numbers(targets: Any, size: int) -> Tensor | None:
    try:
        numbers = torch.as_tensor(targets)
    except (TypeError, ValueError, RuntimeError):  # names, or nothing for some
        return None
    whole = not numbers.is_floating_point() and not numbers.is_complex()
    return numbers.long() if whole and numbers.shape == (size,) else None
