"""JSON as any reader takes it: non-finite numbers by name, objects as the number or text that they are."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any


def encode(value: Any, indent: int | None = None) -> bytes:
    """Return a value as one JSON text.

    Example:
        >>> encode({"lr": 0.1, "best": float("inf")})
        b'{"lr": 0.1, "best": "Infinity"}'
    """
    try:
        text = json.dumps(value, indent=indent, default=_plain, allow_nan=False)
    except (TypeError, ValueError):  # a number that JSON has not, or a key that is no text
        text = json.dumps(_strict(value), indent=indent, default=_plain)
    return text.encode()


def _plain(value: Any) -> Any:
    """Return the number in an array's or tensor's scalar, else the text of the object."""
    try:
        return _strict(value.item())
    except Exception:  # whatever an unknown object does when asked
        return str(value)


def _strict(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        return {str(key): _strict(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(item) for item in value]
    return value
