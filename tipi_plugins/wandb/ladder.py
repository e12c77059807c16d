"""The ladder: how far up a run gets, decided without importing wandb and without touching the network."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from tipi_plugins.wandb.account import find_server, has_key

ONLINE, OFFLINE, LOCAL = "online", "offline", "local"
MODES = {"disabled": LOCAL, "offline": OFFLINE, "dryrun": OFFLINE}


@dataclass(frozen=True, slots=True)
class Rung:
    """Where a run stands, and one line that says so.

    Attributes:
        state: ``online`` (the relay still has to reach the server), ``offline`` or ``local``.
        explain: Which rung, why, and how to change it.
    """

    state: str
    explain: str


def choose_rung(settings: Mapping[str, Any], record: str, environment: Mapping[str, str] = os.environ) -> Rung:
    """Return the rung for these settings.

    Args:
        settings: What ``logger.init`` was told; ``mode`` beats ``WANDB_MODE``.
        record: The record's folder as the line shows it.
        environment: The process's variables.

    Example:
        >>> choose_rung({"mode": "disabled"}, "runs/train/1", {}).state
        'local'
    """
    source = 'mode="{}"' if settings.get("mode") else "WANDB_MODE={}"
    mode = str(settings.get("mode") or environment.get("WANDB_MODE") or "online").lower()
    said = source.format(mode)
    wanted = MODES.get(mode, ONLINE)
    if wanted == LOCAL:
        return Rung(LOCAL, f"W&B is off ({said}): metrics go to {record}; {source.format('online')} sends them")
    if not is_installed():
        cure = 'pip install "torch-tipi[wandb]"'
        return Rung(LOCAL, f"W&B is not installed: metrics go to {record}; to send them: {cure}")
    if wanted == OFFLINE:
        place = settings.get("dir") or environment.get("WANDB_DIR") or record
        change = source.format("online")
        return Rung(OFFLINE, f"W&B offline ({said}): its files go to {place}/wandb; {change} sends them")
    server = find_server(environment)
    if not has_key(server, environment):
        ways = "`wandb login` or WANDB_API_KEY sends them, WANDB_MODE=offline writes W&B files for later"
        return Rung(LOCAL, f"no key for W&B: metrics go to {record}; {ways}")
    return Rung(ONLINE, f"W&B: connecting to {server}; metrics also go to {record}, WANDB_MODE=disabled only there")


def is_installed() -> bool:
    """Return whether the package wandb is there; a folder ``wandb/`` that wandb itself left behind does not count."""
    try:
        spec = find_spec("wandb")
    except (ImportError, ValueError):
        return False
    return spec is not None and spec.origin is not None
