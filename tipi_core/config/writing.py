"""Writing a configuration back: as TOML, with secrets masked."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from tipi_core.config.secrets import MASK, mask_secrets

__all__ = ["MASK", "mask_secrets", "to_toml"]


def to_toml(data: Mapping[str, Any], secrets: Collection[str] = ()) -> str:
    """Return the tables as TOML with secrets masked; None, which TOML has not, is left out."""
    import tomlkit

    return tomlkit.dumps(without_none(mask_secrets(data, secrets)))


def without_none(value: Any) -> Any:
    """Return a copy without the values that are None, which TOML has not."""
    if isinstance(value, dict):
        return {key: without_none(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_none(item) for item in value if item is not None]
    return value
