"""The resolved config as a TOML document in which the comments of the pipeline's own file are kept."""

from __future__ import annotations

import tomllib
from typing import Any

from tipi_core.config.model import PipelineConfig
from tipi_core.config.secrets import mask_secrets
from tipi_core.config.writing import to_toml, without_none


def resolved_toml(config: PipelineConfig) -> str:
    """Return everything merged, referenced values filled in, secrets masked."""
    import tomlkit

    data = without_none(mask_secrets(config.data, config.secrets))
    texts = [layer.text for layer in config.layers.layers if layer.text is not None]
    document = tomlkit.parse(texts[-1])
    try:
        update(document, data)
        text = tomlkit.dumps(document)
        if tomllib.loads(text) == data:
            return text
    except (KeyError, ValueError, tomlkit.exceptions.TOMLKitError):
        pass  # tables out of order are beyond tomlkit's editing: the values matter more than the comments
    return to_toml(config.data, config.secrets)


def update(table: Any, data: dict[str, Any]) -> None:
    """Make an editable table say what ``data`` says, touching only what differs."""
    for key in [key for key in table if key not in data]:
        del table[key]
    for key, value in data.items():
        if key in table and isinstance(value, dict) and isinstance(table[key], dict):
            update(table[key], value)
        elif key not in table or _plain(table[key]) != value:
            table[key] = value


def _plain(item: Any) -> Any:
    return item.unwrap() if hasattr(item, "unwrap") else item
