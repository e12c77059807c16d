"""The devices of one run: its backend and the choice that was made for it."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from tipi_core.devices.choice import Choice, choose, matches
from tipi_core.devices.info import DeviceInfo, parse_bytes
from tipi_core.errors import MissingPackage, UsageError

if TYPE_CHECKING:
    import torch

    from tipi_core.devices.backend import DeviceBackend
    from tipi_core.run import Run


class RunDevices:
    """The devices of one run: its backend, and the choice that was made for it."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.choice: Choice | None = None
        self._backend: DeviceBackend | None = None
        self._warned: set[str] = set()
        self._lock = threading.RLock()

    def find_backend(self) -> DeviceBackend | None:
        """Return the library that works on devices, or None where none is installed; it starts with the run's seed."""
        with self._lock:
            if self._backend is None:
                self._backend = self.run.host.create_device_backend(self.run)
                if self._backend is not None and self.run.seed is not None:
                    self._backend.seed(self.run.seed)
            return self._backend

    def backend(self) -> DeviceBackend:
        """Return the library that works on devices.

        Raises:
            MissingPackage: There is none.
        """
        backend = self.find_backend()
        if backend is None:
            raise MissingPackage(
                "devices need torch, which is not installed here", hint="pip install 'torch-tipi[torch]'"
            )
        return backend

    def devices(self) -> list[DeviceInfo]:
        """Return every device, those that the backend cannot use with a note that says why."""
        backend = self.find_backend()  # first: a device plugin may ask a library that is loaded by now
        found = self.run.host.list_devices()
        if backend is None:
            return found
        return [replace(info, note=info.note or backend.problem(info)) for info in found]

    def choose(self, prefer: str | None = None, min_free: float | str | None = None) -> Choice:
        """Return the run's choice, made at the first ask; another one where that does not serve what is asked."""
        amount = None if min_free is None else _amount(min_free)
        with self._lock:
            if self.choice is None:
                self.choice = self._inherited(prefer, amount) or self._fresh(prefer, amount)
                self.run.note_facts(device=self.choice.device.label)
                return self.choice
            if _serves(self.choice.device, prefer, amount):
                return self.choice
            return self._fresh(prefer, amount)

    def handle(self, label: str) -> torch.device:
        """Return the library's object for a device named as in ``torch.device``."""
        kind, _, index = label.partition(":")
        return self.backend().handle(DeviceInfo(kind, int(index) if index else None))

    def _fresh(self, prefer: str | None, min_free: int | None) -> Choice:
        self.backend()
        choice = choose(
            self.devices(),
            wanted=os.environ.get("TIPI_DEVICE") or None,
            prefer=prefer,
            min_free=min_free,
            local_rank=_local_rank(),
        )
        if choice.warning and choice.warning not in self._warned:
            self._warned.add(choice.warning)
            _warn(f"{choice.warning}; taking {choice.device.label}")
        return choice

    def _inherited(self, prefer: str | None, min_free: int | None) -> Choice | None:
        parent = self.run.parent
        while parent is not None:
            choice = parent.service(RunDevices).choice
            if choice is not None and _serves(choice.device, prefer, min_free):
                return choice
            parent = parent.parent
        return None


def _serves(device: DeviceInfo, prefer: str | None, min_free: int | None) -> bool:
    """Return whether a device that was taken is what is asked for now; memory counts as it was when it was taken."""
    enough = min_free is None or device.free is None or device.free >= min_free
    return enough and (prefer is None or matches(device, prefer))


def _local_rank() -> int | None:
    rank = os.environ.get("LOCAL_RANK", "")
    return int(rank) if rank.isdigit() and "WORLD_SIZE" in os.environ else None


def _warn(message: str) -> None:
    import sys

    print(f"tipi: {message}", file=sys.stderr)  # noqa: T201 - one line before hours are spent on the wrong device


def _amount(min_free: float | str) -> int:
    try:
        return parse_bytes(min_free)
    except ValueError as error:
        raise UsageError(f"min_free: {error}") from None
