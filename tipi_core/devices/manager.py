"""The helper that gives a run its device and works on it; everything about tensors goes to the backend."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tipi_core.devices.choice import Choice, choose, matches
from tipi_core.devices.info import DeviceInfo, parse_bytes
from tipi_core.errors import MissingPackage, UsageError
from tipi_core.run import current_run

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextlib import AbstractContextManager

    import torch

    from tipi_core.devices.backend import DeviceBackend
    from tipi_core.run import Run


class RunDevices:
    """The devices of one run: its backend, and the choice that was made for it."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.choice: Choice | None = None
        self._backend: DeviceBackend | None = None
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

    def choose(self, prefer: str | None = None, min_free: int | None = None) -> Choice:
        """Return the run's choice, made at the first ask; another one where that does not serve what is asked."""
        with self._lock:
            if self.choice is None:
                self.choice = self._inherited(prefer, min_free) or self._fresh(prefer, min_free)
                return self.choice
            if _serves(self.choice.device, prefer) and min_free is None:
                return self.choice
            return self._fresh(prefer, min_free)

    def _fresh(self, prefer: str | None, min_free: int | None) -> Choice:
        self.backend()
        choice = choose(
            self.devices(),
            wanted=os.environ.get("TIPI_DEVICE") or None,
            prefer=prefer,
            min_free=min_free,
            local_rank=_local_rank(),
        )
        if choice.warning:
            _warn(f"{choice.warning}; taking {choice.device.label}")
        return choice

    def _inherited(self, prefer: str | None, min_free: int | None) -> Choice | None:
        parent = self.run.parent
        while parent is not None and min_free is None:
            choice = parent.service(RunDevices).choice
            if choice is not None and _serves(choice.device, prefer):
                return choice
            parent = parent.parent
        return None


class DeviceManager:
    """Picks the best device and moves things there; it has no state of its own, the run has.

    Example:
        >>> device = device_manager.get_device()  # doctest: +SKIP
        >>> model = torch.nn.Linear(2, 2).to(device)  # doctest: +SKIP
    """

    def get_device(self, prefer: object = None, min_free: float | str | None = None) -> torch.device:
        """Return the run's device, chosen at the first call: the accelerator with the most memory free, else the CPU.

        The environment variable ``TIPI_DEVICE`` (``cpu``, ``cuda:1``, ``mps``) overrides the choice. Under torchrun
        it is the local rank's accelerator. CUDA is not initialised, so DataLoader workers may still be forked.

        Args:
            prefer: A kind (``"cuda"``) or one device (``"cuda:1"``, or a ``torch.device``) to take where it is there.
            min_free: Memory that must be free on the whole device: bytes, or a text such as ``"8 GB"``.

        Raises:
            UsageError: ``TIPI_DEVICE`` names a device that is not here, or none has ``min_free``.
            MissingPackage: torch is not installed.

        Example:
            >>> device_manager.get_device(min_free="8 GB")  # doctest: +SKIP
            device(type='cuda', index=1)
        """
        devices = _devices()
        choice = devices.choose(None if prefer is None else str(prefer), _amount(min_free))
        return devices.backend().handle(choice.device)

    def devices(self) -> list[DeviceInfo]:
        """Return all devices; those that cannot be used have a note that says why.

        Example:
            >>> [device.label for device in device_manager.devices()]  # doctest: +SKIP
            ['cuda:0', 'cpu']
        """
        return _devices().devices()

    def describe(self) -> str:
        """Return which device the run has and why, in one sentence.

        Example:
            >>> device_manager.describe()  # doctest: +SKIP
            'cpu: there is no other device'
        """
        choice = _devices().choose()
        return f"{choice.device.label}: {choice.reason}"

    def seed_everything(self, seed: int) -> int:
        """Seed Python's, NumPy's and torch's generators and return the seed; what is not installed is left out.

        Args:
            seed: From 0 to 4294967295, NumPy's range.

        Raises:
            UsageError: The seed is outside that range.

        Example:
            >>> device_manager.seed_everything(0)  # doctest: +SKIP
            0
        """
        import random
        import sys

        if not 0 <= seed < 2**32:
            raise UsageError(f"the seed is {seed}", hint="seeds go from 0 to 4294967295")
        random.seed(seed)
        backend = _devices().find_backend()
        if backend is not None:
            backend.seed(seed)
        if "numpy" in sys.modules:
            sys.modules["numpy"].random.seed(seed)
        return seed

    def to(self, batch: Any, device: object = None) -> Any:
        """Return ``batch`` with every tensor in it, however nested, on the run's device (or ``device``).

        Example:
            >>> inputs, targets = device_manager.to(batch)  # doctest: +SKIP
        """
        return _devices().backend().move(batch, self._target(device))

    def prefetch(self, loader: Iterable[Any], device: object = None) -> Iterable[Any]:
        """Return the loader's batches in the same order, on the run's device (or ``device``).

        Example:
            >>> for inputs, targets in device_manager.prefetch(loader):  # doctest: +SKIP
            ...     ...
        """
        return _devices().backend().prefetch(loader, self._target(device))

    def synchronize(self, device: object = None) -> None:
        """Wait until everything queued on the run's device (or ``device``) is done.

        Example:
            >>> device_manager.synchronize()  # doctest: +SKIP
        """
        _devices().backend().synchronize(self._target(device))

    def empty_cache(self) -> None:
        """Give memory that torch caches and does not use back to the devices.

        Example:
            >>> device_manager.empty_cache()  # doctest: +SKIP
        """
        _devices().backend().empty_cache()

    def autocast(self, dtype: Any = None, enabled: bool = True, device: object = None) -> AbstractContextManager[None]:
        """Return a context in which operations run in lower precision where that is safe.

        Args:
            dtype: A ``torch.dtype``; None takes torch's own default for the device.
            enabled: False makes the context do nothing.
            device: Another device than the run's.

        Example:
            >>> with device_manager.autocast():  # doctest: +SKIP
            ...     loss = criterion(model(inputs), targets)
        """
        return _devices().backend().autocast(self._target(device), dtype, enabled)

    def _target(self, device: object) -> torch.device:
        if device is None:
            return self.get_device()
        kind, _, index = str(device).partition(":")
        return _devices().backend().handle(DeviceInfo(kind, int(index) if index else None))


device_manager = DeviceManager()


def _devices() -> RunDevices:
    return current_run().service(RunDevices)


def _serves(device: DeviceInfo, prefer: str | None) -> bool:
    return prefer is None or matches(device, prefer)


def _amount(min_free: float | str | None) -> int | None:
    if min_free is None:
        return None
    try:
        return parse_bytes(min_free)
    except ValueError as error:
        raise UsageError(f"min_free: {error}") from None


def _local_rank() -> int | None:
    rank = os.environ.get("LOCAL_RANK", "")
    return int(rank) if rank.isdigit() and "WORLD_SIZE" in os.environ else None


def _warn(message: str) -> None:
    import sys

    print(f"tipi: {message}", file=sys.stderr)  # noqa: T201 - one line before hours are spent on the wrong device
