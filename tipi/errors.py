"""The errors that tipi raises on purpose, for programs that catch them."""

from __future__ import annotations

from tipi_core.errors import (
    ConfigError,
    ConfigProblems,
    GuardStop,
    LockedError,
    MissingPackage,
    PluginError,
    RunInterrupted,
    StorageError,
    TipiError,
    TrustError,
    UsageError,
)

__all__ = [
    "ConfigError",
    "ConfigProblems",
    "GuardStop",
    "LockedError",
    "MissingPackage",
    "PluginError",
    "RunInterrupted",
    "StorageError",
    "TipiError",
    "TrustError",
    "UsageError",
]
