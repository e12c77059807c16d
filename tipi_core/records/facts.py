"""Facts about the process for ``run.json``: the command, Python, packages, machine and the state of the code.

What takes longer than a look into memory is found on a thread while the training begins.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tipi_core.config.secrets import mask_command, mask_text
from tipi_core.errors import StorageError
from tipi_core.records.background import Background
from tipi_core.records.layout import PATCH

if TYPE_CHECKING:
    from tipi_core.records.writer import RunRecord

PACKAGES = (
    "torch-tipi", "torch", "numpy", "torchvision", "timm", "transformers", "datasets", "lightning", "wandb",
    "tensorboardX", "optuna", "pluggy", "msgspec", "rich",
)  # fmt: skip
GIT_SECONDS = 5.0
MOST_PATCH_BYTES = 10 * 2**20
WAIT_SECONDS = 3 * GIT_SECONDS


def collect_facts() -> dict[str, Any]:
    """Return what a reader needs to run it again, as far as that costs nothing.

    Example:
        >>> sorted(collect_facts())
        ['command', 'cwd', 'python', 'system']
    """
    return {
        "command": mask_command(getattr(sys, "orig_argv", sys.argv)),
        "cwd": os.getcwd(),
        "python": ".".join(map(str, sys.version_info[:3])),
        "system": f"{platform.system()} {platform.machine()}",
    }


class SlowFacts:
    """Adds versions, machine and the state of the code to a record, on a thread.

    Args:
        record: The record that was just made.
        root: The folder whose code is run.
    """

    def __init__(self, record: RunRecord, root: Path) -> None:
        self._record = record
        self._root = root
        self._work = Background("tipi-facts", self._add)

    def wait(self) -> None:
        """Wait until they are in the record, a bounded time; secrets that the run told later leave the patch now."""
        self._work.wait(WAIT_SECONDS)
        file = self._record.path / PATCH
        with suppress(OSError, StorageError):
            patch = file.read_bytes()
            clean = _without_secrets(patch, self._record.secrets)
            if clean != patch:
                self._record.write_file(PATCH, clean)

    def _add(self, work: Background) -> None:
        import subprocess  # noqa: F401 - before forks are let go

        facts: dict[str, Any] = {"packages": package_versions(), "machine": describe_machine()}
        work.settle()
        code = describe_code(self._root)
        patch = code.pop("patch", b"") if code else b""
        if code:
            facts["git"] = code
        try:
            if patch:
                self._record.write_file(PATCH, _without_secrets(patch, self._record.secrets))
            self._record.update(**facts)
        except StorageError:
            return  # the disk is full: who writes the rows says so


def _without_secrets(patch: bytes, secrets: Collection[str]) -> bytes:
    """Return a patch without the secrets in it; a line that lost one no longer fits where it is taken away."""
    return mask_text(patch.decode("utf-8", "surrogateescape"), secrets).encode("utf-8", "surrogateescape")


def package_versions() -> dict[str, str]:
    """Return the versions of the installed packages that matter to a training."""
    from tipi_core.installed import find_versions

    return find_versions(PACKAGES)


def describe_machine() -> dict[str, Any]:
    """Return the machine's cores and memory; None where the system does not tell.

    Example:
        >>> sorted(describe_machine())
        ['cores', 'memory']
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    try:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        memory = None
    return {"cores": cores, "memory": memory}


def describe_code(folder: Path) -> dict[str, Any]:
    """Return commit, branch and changes of the git repository around a folder; empty without one, or without git.

    Returns:
        ``commit``, ``branch``, ``dirty``, and ``patch`` with the changes to tracked files where there are any.
    """
    head = _git(folder, "rev-parse", "HEAD", "--abbrev-ref", "HEAD").split()
    if len(head) != 2:
        return {}
    code: dict[str, Any] = {"commit": head[0].decode(), "branch": head[1].decode()}
    status = _git(folder, "status", "--porcelain", "--untracked-files=no")
    code["dirty"] = bool(status.strip())
    if code["dirty"]:
        patch = _git(folder, "diff", "--no-ext-diff", "--no-textconv", "--binary", "HEAD")
        code["patch"] = patch if len(patch) <= MOST_PATCH_BYTES else b""
    return code


def _git(folder: Path, *words: str) -> bytes:
    import subprocess

    command = ["git", "-c", "core.fsmonitor=false", "--no-optional-locks", *words]
    try:
        done = subprocess.run(  # noqa: S603 - fixed words
            command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=GIT_SECONDS, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return b""
    return done.stdout if done.returncode == 0 else b""
