"""Values: what a user logs, captured in the training loop and resolved to JSON on the writer's thread.

Tensors are recognised by what they can do, so nothing of torch or numpy is imported here.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from math import isfinite
from typing import Any

PLAIN = frozenset({float, int, bool, str, type(None)})
NAMES = {math.inf: "Infinity", -math.inf: "-Infinity"}

Refuse = Callable[[str, str], None]
Fetch = Callable[[list["Deferred"]], list[Any]]


class Deferred:
    """A value on an accelerator, cloned on its stream when it was logged and fetched later with others.

    Attributes:
        tensor: The clone; no graph hangs on it.
        ready: What marks the moment on a stream of the user's when the clone is there; None on a device's default
            stream, on which the writer's thread works too, and where streams are of no concern.
    """

    __slots__ = ("ready", "tensor")

    def __init__(self, tensor: Any) -> None:
        self.tensor = tensor.detach().clone()
        self.ready = _mark(self.tensor) if getattr(tensor, "is_cuda", False) is True else None

    def number(self, fetched: float) -> float:
        """Return a fetched float as the kind of number that the tensor holds."""
        if self.tensor.is_floating_point():
            return fetched
        return bool(fetched) if str(self.tensor.dtype).endswith("bool") else int(fetched)


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
    if type(metrics) is dict and PLAIN.issuperset(map(type, metrics.values())):
        return metrics.copy()
    if not isinstance(metrics, Mapping):
        raise TypeError(f'it takes a mapping such as {{"loss": 0.5}}, not a {type(metrics).__name__}')
    return dict(_captured(metrics, "", refuse))


def resolve(values: Mapping[Any, Any]) -> dict[str, Any]:
    """Return the values as JSON has them: under text keys, and non-finite numbers by name.

    Args:
        values: What :func:`capture` returned, with nothing deferred any more.

    Example:
        >>> resolve({"loss": float("nan"), "lr": 0.1})
        {'loss': 'NaN', 'lr': 0.1}
    """
    resolved = {}
    for name, value in values.items():
        finite = type(value) is not float or isfinite(value)
        resolved[name if type(name) is str else str(name)] = value if finite else NAMES.get(value, "NaN")
    return resolved


def fetch_deferred(rows: Iterable[dict[Any, Any]], fetch: Fetch | None, refuse: Refuse) -> None:
    """Put numbers in place of the deferred values of many rows, with one transfer for all of them.

    Args:
        rows: Captured values; changed in place. A value that cannot be fetched is taken out.
        fetch: Returns the numbers of many tensors; None asks each tensor.
        refuse: Called with key and reason for each value that cannot be fetched.
    """
    places = [(row, key, value) for row in rows for key, value in row.items() if type(value) is Deferred]
    if not places:
        return
    deferred = [value for _, _, value in places]
    try:
        numbers: list[Any] | None = fetch(deferred) if fetch is not None else None
    except Exception:  # one of them is broken: ask each, so that the others are kept
        numbers = None
    for (row, key, value), number in zip(places, numbers or [None] * len(places), strict=True):
        reason, row[key] = (None, number) if numbers is not None else _ask(value)
        if reason is not None:
            del row[key]
            refuse(str(key), reason)


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


def _ask(value: Deferred) -> tuple[str | None, Any]:
    try:
        if value.ready is not None:
            value.ready.synchronize()
        return None, value.tensor.item()
    except Exception as error:  # the accelerator is gone, or ran into an error of its own
        return f"{type(error).__name__}: {error}", None


def _mark(tensor: Any) -> Any:
    """Return an event of the stream on which a tensor of torch's is made, unless that is its device's default one."""
    cuda = getattr(sys.modules.get(type(tensor).__module__.partition(".")[0]), "cuda", None)
    stream = cuda.current_stream(tensor.device) if cuda is not None else None
    return stream.record_event() if stream is not None and stream.cuda_stream else None


def _capture_one(value: Any) -> tuple[str | None, Any]:
    if isinstance(value, str | int | float):
        return None, _plain_of(value)
    size = getattr(value, "numel", None) or getattr(value, "size", 1)
    size = size() if callable(size) else size
    if not callable(getattr(value, "item", None)):
        return f"a {type(value).__name__} is no number, text or 0-d tensor{_where_else(value)}", None
    if size != 1:
        return f"it has {size} elements: log one number, such as its mean", None
    if getattr(getattr(value, "device", None), "type", "cpu") not in ("cpu", "meta"):
        return None, Deferred(value)
    plain = value.item()
    if type(plain) in PLAIN:
        return None, plain
    return f"a {type(plain).__name__} is no number", None


def _where_else(value: Any) -> str:
    """Return which call keeps such an object."""
    marks = {"savefig": "figure", "write_html": "figure", "to_dict": "table", "thumbnail": "image"}
    kinds = [kind for mark, kind in marks.items() if callable(getattr(value, mark, None))]
    return f": logger.log_{kinds[0]} keeps it" if kinds else ""


def _plain_of(value: str | float) -> str | float:
    """Return what a subclass holds, such as an enum's text, whose ``str()`` may be another."""
    if isinstance(value, str):
        return str.__str__(value)
    return int(value) if isinstance(value, int) else float(value)
