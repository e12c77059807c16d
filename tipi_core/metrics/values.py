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

    Raises:
        TypeError: ``metrics`` is no mapping.

    Example:
        >>> capture({"loss": 0.5, "acc": {"top1": 1}}, print)
        {'loss': 0.5, 'acc.top1': 1}
    """
    if not isinstance(metrics, Mapping):
        raise TypeError(f'it takes a mapping such as {{"loss": 0.5}}, not a {type(metrics).__name__}')
    if PLAIN.issuperset(map(type, metrics.values())):
        return dict(metrics)
    return dict(_captured(metrics, "", refuse))


def resolve(values: Mapping[Any, Any], refuse: Refuse) -> dict[str, Any]:
    """Return the values as JSON has them: fetched, under text keys, and non-finite numbers by name.

    Args:
        values: What :func:`capture` returned.
        refuse: Called with key and reason for each value that cannot be fetched.

    Example:
        >>> resolve({"loss": float("nan"), "lr": 0.1}, print)
        {'loss': 'NaN', 'lr': 0.1}
    """
    resolved = {}
    for name, value in values.items():
        key, plain = str(name), value
        if type(value) is Deferred:
            reason, plain = _fetch(value)
            if reason is not None:
                refuse(key, reason)
                continue
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
            reason, captured = _capture_safely(value)
            if reason is None:
                yield key, captured
            else:
                refuse(key, reason)


def _capture_safely(value: Any) -> tuple[str | None, Any]:
    """Return None and the captured value, or the reason why it cannot be logged; other values of the row stay."""
    try:
        return _capture_one(value)
    except Exception as error:  # an object that only looks like a number may raise anything
        return f"{type(error).__name__}: {error}", None


def _fetch(value: Deferred) -> tuple[str | None, Any]:
    try:
        return None, value.fetch()
    except Exception as error:  # the accelerator is gone, or ran into an error of its own
        return f"{type(error).__name__}: {error}", None


def _capture_one(value: Any) -> tuple[str | None, Any]:
    if isinstance(value, str | int | float):
        return None, _plain_of(value)
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


def _plain_of(value: str | float) -> str | float:
    """Return what a subclass holds, such as an enum's text, whose ``str()`` may be another."""
    if isinstance(value, str):
        return str.__str__(value)
    return int(value) if isinstance(value, int) else float(value)
