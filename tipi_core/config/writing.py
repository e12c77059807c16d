"""Writing a configuration back: as TOML, with secrets masked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

MASK = "********"
_SECRET = re.compile(r"(?:^|_)(?:api_?key|access_?key|private_?key|key|token|secret|password|passwd)$", re.IGNORECASE)


def mask_secrets(value: Any) -> Any:
    """Return a copy in which the text under every key that looks like a secret is masked.

    Example:
        >>> mask_secrets({"api_key": "abc", "num_tokens": 3})
        {'api_key': '********', 'num_tokens': 3}
    """
    if isinstance(value, Mapping):
        return {key: _mask_item(key, item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [mask_secrets(item) for item in value]
    return value


def to_toml(data: Mapping[str, Any]) -> str:
    """Return the tables as TOML with secrets masked; None, which TOML has not, is left out."""
    import tomlkit

    return tomlkit.dumps(_without_none(mask_secrets(data)))


def _mask_item(key: str, item: Any) -> Any:
    if isinstance(item, str) and _SECRET.search(key):
        return MASK
    return mask_secrets(item)


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_none(item) for item in value if item is not None]
    return value
