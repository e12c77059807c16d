"""The user's W&B account as files and variables tell it: server and key, found without importing wandb."""

from __future__ import annotations

import configparser
import netrc
import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

PUBLIC_SERVER = "https://api.wandb.ai"


def find_server(environment: Mapping[str, str] = os.environ) -> str:
    """Return the server's address: ``WANDB_BASE_URL``, else what ``wandb login --host`` wrote, else the public one.

    Example:
        >>> find_server({"WANDB_BASE_URL": "https://wandb.example.org/"})
        'https://wandb.example.org'
    """
    return (environment.get("WANDB_BASE_URL") or _configured_server(environment) or PUBLIC_SERVER).rstrip("/")


def has_key(server: str, environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether there is a key for the server: in a variable, or in the ``netrc`` file."""
    if environment.get("WANDB_API_KEY") or environment.get("WANDB_IDENTITY_TOKEN_FILE"):
        return True
    return any(_netrc_knows(file, urlsplit(server).hostname or "") for file in _netrc_files(environment))


def _configured_server(environment: Mapping[str, str]) -> str | None:
    folder = Path(environment.get("WANDB_CONFIG_DIR") or Path.home() / ".config" / "wandb")
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read(folder / "settings", encoding="utf-8")
    except (configparser.Error, OSError, ValueError):
        return None
    return parser.get("default", "base_url", fallback=None)


def _netrc_files(environment: Mapping[str, str]) -> list[Path]:
    named = environment.get("NETRC")
    return [Path(named).expanduser()] if named else [Path.home() / ".netrc", Path.home() / "_netrc"]


def _netrc_knows(file: Path, host: str) -> bool:
    try:
        entry = netrc.netrc(str(file)).authenticators(host)
    except (netrc.NetrcParseError, OSError, ValueError):
        return False
    return bool(entry and entry[2])
