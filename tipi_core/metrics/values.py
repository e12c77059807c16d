"""Values: what a user logs, captured in the training loop and resolved to JSON on the writer's thread.

Tensors are recognised by what they can do, so nothing of torch or numpy is imported here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

PLAIN = frozenset({float, int, bool, str, type(None)})
NAMES = {math.inf: "Infinity", -math.inf: "-Infinity"}

Refuse = Callable[[str, str], None]


class Deferred:
    """A value on an accelerator, cloned on its stream when it was logged and fetched later."""

    __slots__ = ("tensor",)

    def __init__(self, tensor: Any) -> None:
        self.tensor = tensor.detach().clone()

    def fetch(self) -> Any:
        """Return the number; waits for the accelerator."""
        return self.tensor.item()


def capture(metrics: Mapping[str, Any], refuse: Refuse) -> dict[str, Any]:
    """Return a copy in which nothing can change any more: plain values and :class:`Deferred` ones.

    Args:
        metrics: What the user logged; nested mappings get dotted keys.
        refuse: Called with key and reason for each value that cannot be logged.

    Example:
        >>> capture({"loss": 0.5, "acc": {"top1": 1}}, print)
        {'loss': 0.5, 'acc.top1': 1}
    """
    if PLAIN.issuperset(map(type, metrics.values())):
        return dict(metrics)
    return dict(_captured(metrics, "", refuse))


def resolve(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values as JSON has them: fetched, and non-finite numbers by name.

    Example:
        >>> resolve({"loss": float("nan"), "lr": 0.1})
        {'loss': 'NaN', 'lr': 0.1}
    """
    resolved = {}
    for key, value in values.items():
        plain = value.fetch() if type(value) is Deferred else value
        if type(plain) is float and not math.isfinite(plain):
            plain = NAMES.get(plain, "NaN")
        resolved[key] = plain
    return resolved


def _captured(metrics: Mapping[str, Any], prefix: str, refuse: Refuse) -> Iterator[tuple[str, Any]]:
    for name, value in metrics.items():
        key = f"{prefix}{name}"
        if type(value) in PLAIN:
            yield key, value
        elif isinstance(value, Mapping):
            yield from _captured(value, f"{key}.", refuse)
        else:
            reason, captured = _capture_one(value)
            if reason is None:
                yield key, captured
            else:
                refuse(key, reason)


def _capture_one(value: Any) -> tuple[str | None, Any]:
    """Return None and the captured value, or the reason why it cannot be logged."""
    if isinstance(value, bool | int | float | str):  # a subclass, such as an enum's or numpy's float
        base = next(kind for kind in (bool, int, float, str) if isinstance(value, kind))
        return None, base(value)
    size = getattr(value, "numel", None) or getattr(value, "size", 1)
    size = size() if callable(size) else size
    if not callable(getattr(value, "item", None)):
        return f"a {type(value).__name__} is no number, text or 0-d tensor", None
    if size != 1:
        return f"it has {size} elements: log one number, such as its mean", None
    if getattr(getattr(value, "device", None), "type", "cpu") not in ("cpu", "meta"):
        return None, Deferred(value)
    plain = value.item()
    if type(plain) in PLAIN:
        return None, plain
    return f"a {type(plain).__name__} is no number", None
