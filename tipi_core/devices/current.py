"""The devices of one run: its backend, the choice that was made for it, and the leases that it holds."""

from __future__ import annotations

import os
import random
import sys
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from tipi_core.devices.arrivals import Arrivals
from tipi_core.devices.choice import Choice, choose, matches
from tipi_core.devices.info import DeviceInfo, parse_bytes
from tipi_core.devices.leases import find_leases, return_lease, take_lease
from tipi_core.errors import LockedError, MissingPackage, UsageError

if TYPE_CHECKING:
    import torch

    from tipi_core.devices.backend import DeviceBackend
    from tipi_core.run import Run

BACKEND_PACKAGE = "torch"  # its arrival starts the backend, so that it has the seed before anything is drawn


class RunDevices:
    """The devices of one run: its backend, the choice that was made for it, and the leases that it holds."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.choice: Choice | None = None
        self._backend: DeviceBackend | None = None
        self._warned: set[str] = set()
        self._mine: set[str] = set()
        self._seed = run.seed
        self._arrivals: Arrivals | None = None
        self._opening = False
        self._lock = threading.RLock()

    def find_backend(self) -> DeviceBackend | None:
        """Return the library that works on devices, or None where none is installed; it starts with the run's seed."""
        with self._lock:
            if self._backend is None and not self._opening:
                self._opening = True
                try:
                    self._backend = self.run.host.create_device_backend(self.run)
                finally:
                    self._opening = False
                if self._backend is not None and self._seed is not None:
                    self._backend.seed(self._seed)
            return self._backend

    def seed(self, seed: int) -> None:
        """Seed Python's generator, and NumPy's and the backend's: now where they are loaded, else when they come."""
        self._seed = seed
        random.seed(seed)
        if self._backend is not None:
            self._backend.seed(seed)
        watched = {"numpy.random": self._seed_numpy, BACKEND_PACKAGE: self._greet_backend}
        for name, arrived in watched.items():
            if name in sys.modules:
                arrived()
        if self._arrivals is None:
            self._arrivals = Arrivals(watched)
            self._arrivals.watch()
            self.run.defer(self._arrivals.leave)

    def _seed_numpy(self) -> None:
        sys.modules["numpy.random"].seed(self._seed)

    def _greet_backend(self) -> None:
        """Open the backend, unless a thread is about to: it may be waiting for the import that this is the end of."""
        if self._lock.acquire(blocking=False):
            try:
                self.find_backend()
            finally:
                self._lock.release()

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

    def choose(self, prefer: str | None = None, min_free: float | str | None = None, count: int = 1) -> Choice:
        """Return the run's choice, made at the first ask; another one where that does not serve what is asked."""
        if count < 1:
            raise UsageError(f"count is {count}", hint="a run takes one device or more")
        amount = None if min_free is None else _amount(min_free)
        with self._lock:
            if self.choice is None:
                self.choice = self._inherited(prefer, amount, count) or self._fresh(prefer, amount, count)
                self.run.note_facts(device=self.choice.device.label)
                return self.choice
            if _serves(self.choice, prefer, amount, count):
                return self.choice
            return self._fresh(prefer, amount, count)

    def handle(self, label: str) -> torch.device:
        """Return the library's object for a device named as in ``torch.device``.

        Raises:
            UsageError: The text names no device.
        """
        kind, _, index = label.strip().lower().partition(":")
        try:
            return self.backend().handle(DeviceInfo(kind, int(index) if index else None))
        except (ValueError, RuntimeError):
            here = ", ".join(info.label for info in self.devices() if info.usable)
            raise UsageError(f"there is no device {label!r}", hint=f"here: {here}") from None

    def _fresh(self, prefer: str | None, min_free: int | None, count: int) -> Choice:
        self.backend()
        devices = self.devices()
        held = self._held_by_others(devices)
        while True:
            choice = choose(
                devices,
                wanted=os.environ.get("TIPI_DEVICE") or None,
                prefer=prefer,
                min_free=min_free,
                local_rank=_local_rank(),
                leased=held,
                count=count,
            )
            measured = self._measure(choice, min_free)
            if measured:
                devices = [measured.get(device.label, device) for device in devices]
                continue
            lost = [device.label for device in (choice.device, *choice.others) if not self._lease(device, held)]
            if not lost:
                break
            held.update(lost)  # another run was faster: it has those now
        self._tell(choice)
        return choice

    def _measure(self, choice: Choice, min_free: int | None) -> dict[str, DeviceInfo]:
        """Return the chosen devices whose free memory matters and no driver told, as the backend knows them by now."""
        unknown = [device for device in (choice.device, *choice.others) if device.free is None]
        found = {}
        for device in unknown if min_free is not None else ():
            memory = self.backend().memory(self.backend().handle(device))
            if memory is not None:
                found[device.label] = replace(device, free=memory[0], total=memory[1])
        return found

    def _held_by_others(self, devices: list[DeviceInfo]) -> set[str]:
        return set(find_leases(devices)) - self._mine

    def _lease(self, device: DeviceInfo, held: set[str]) -> bool:
        """Take a device for this run; False where another run of the user took it since it was looked at."""
        if device.label in held or device.label in self._mine:
            return True
        try:
            place = take_lease(device)
        except LockedError:
            return False
        if place is not None:
            self._mine.add(device.label)
            self.run.defer(return_lease, place)
        return True

    def _tell(self, choice: Choice) -> None:
        if choice.warning and choice.warning not in self._warned:
            self._warned.add(choice.warning)
            _warn(f"{choice.warning}; taking {', '.join(one.label for one in (choice.device, *choice.others))}")

    def _inherited(self, prefer: str | None, min_free: int | None, count: int) -> Choice | None:
        parent = self.run.parent
        while parent is not None:
            choice = parent.service(RunDevices).choice
            if choice is not None and _serves(choice, prefer, min_free, count):
                return choice
            parent = parent.parent
        return None


def _serves(choice: Choice, prefer: str | None, min_free: int | None, count: int) -> bool:
    """Return whether devices that were taken are what is asked for now; memory counts as it was when they were."""
    taken = (choice.device, *choice.others)
    enough = min_free is None or all(device.free is not None and device.free >= min_free for device in taken)
    return enough and len(taken) >= count and all(prefer is None or matches(device, prefer) for device in taken)


def _local_rank() -> int | None:
    rank = os.environ.get("LOCAL_RANK", "")
    return int(rank) if rank.isdigit() and "WORLD_SIZE" in os.environ else None


def _warn(message: str) -> None:
    print(f"tipi: {message}", file=sys.stderr)  # noqa: T201 - one line before hours are spent on the wrong device


def _amount(min_free: float | str) -> int:
    try:
        return parse_bytes(min_free)
    except ValueError as error:
        raise UsageError(f"min_free: {error}") from None
