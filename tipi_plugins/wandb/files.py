"""The plugin's own files in a record, and how it reads and replaces them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FOLDER = "wandb"
SETTINGS = "settings.json"
STATUS = "status.json"
LOG = "relay.log"
LOCK = "relay.lock"
CATCH_UP = "tipi runs sync"
SECONDS = 10.0


def own_folder(record: Path) -> Path:
    """Return the folder in which the plugin and wandb keep their files, made if need be."""
    folder = record / FOLDER
    folder.mkdir(exist_ok=True)
    return folder


def patience() -> float:
    """Return the most seconds that the end of a run waits for W&B: ``TIPI_WANDB_SECONDS``, else 10."""
    try:
        return float(os.environ.get("TIPI_WANDB_SECONDS", SECONDS))
    except ValueError:
        return SECONDS


def shorten(path: Path) -> str:
    """Return a path as the user would type it here."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def write_json(file: Path, data: Mapping[str, Any]) -> None:
    """Replace a file, so that a reader sees the old one or the new one."""
    draft = file.with_name(f".{file.name}.tmp")
    draft.write_text(json.dumps(data, indent=2, default=_as_json) + "\n", encoding="utf-8")
    draft.replace(file)


def read_json(file: Path) -> dict[str, Any]:
    """Return what a file holds; an empty dict where there is none."""
    try:
        data = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def _as_json(value: Any) -> Any:
    """Return an object as JSON has it: ``wandb.Settings`` as the fields that were set, anything else as text."""
    return value.model_dump(exclude_unset=True) if hasattr(value, "model_dump") else str(value)
