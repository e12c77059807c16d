"""Facts about the process for ``run.json``: the command, Python, the packages that matter to a training."""

from __future__ import annotations

import os
import platform
import sys
from typing import Any

PACKAGES = ("torch-tipi", "torch", "numpy", "torchvision", "timm", "wandb")


def collect_facts() -> dict[str, Any]:
    """Return what a reader needs to run it again.

    Example:
        >>> sorted(collect_facts())
        ['command', 'cwd', 'packages', 'python', 'system']
    """
    return {
        "command": list(getattr(sys, "orig_argv", sys.argv)),
        "cwd": os.getcwd(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "packages": _versions(),
    }


def _versions() -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
