"""The helper that gives a run its device and works on it; everything about tensors goes to the backend."""

from __future__ import annotations

from operator import index
from typing import TYPE_CHECKING, Any, SupportsIndex

from tipi_core.errors import UsageError
from tipi_core.run import current_run

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextlib import AbstractContextManager

    import torch

    from tipi_core.devices.current import RunDevices
    from tipi_core.devices.info import DeviceInfo


class DeviceManager:
    """Picks the best device and moves things there; it has no state of its own, the run has.

    Example:
        >>> device = device_manager.get_device()  # doctest: +SKIP
        >>> model = torch.nn.Linear(2, 2).to(device)  # doctest: +SKIP
    """

    def get_device(
        self, prefer: object = None, min_free: float | str | None = None, count: int | None = None
    ) -> torch.device:
        """Return the run's device, chosen at the first call: the accelerator with the most memory free, else the CPU.

        The run holds it until it ends: another run of the same user takes another one where there is one. The
        environment variable ``TIPI_DEVICE`` (``cpu``, ``cuda:1``, ``mps``) overrides the choice. Under torchrun it
        is the local rank's accelerator. CUDA is not initialised, so DataLoader workers may still be forked.

        Args:
            prefer: A kind (``"cuda"``) or one device (``"cuda:1"``, or a ``torch.device``) to take where it is there.
            min_free: Memory that must be free on the whole device: bytes, or a text such as ``"8 GB"``.
            count: How many devices the run takes; this is the first, :meth:`get_devices` returns them all.

        Raises:
            UsageError: ``TIPI_DEVICE`` names a device that is not here, or fewer than ``count`` have ``min_free``.
            MissingPackage: torch is not installed.

        Example:
            >>> device_manager.get_device(min_free="8 GB")  # doctest: +SKIP
            device(type='cuda', index=1)
        """
        return self.get_devices(1 if count is None else count, prefer, min_free)[0]

    def get_devices(
        self, count: int = 1, prefer: object = None, min_free: float | str | None = None
    ) -> list[torch.device]:
        """Return ``count`` devices of one kind for this run, the run's own first.

        Args:
            count: How many.
            prefer: As in :meth:`get_device`.
            min_free: As in :meth:`get_device`, of each of them.

        Raises:
            UsageError: There are not so many.
            MissingPackage: torch is not installed.

        Example:
            >>> device_manager.get_devices(2)  # doctest: +SKIP
            [device(type='cuda', index=1), device(type='cuda', index=3)]
        """
        devices, count = _devices(), _whole(count, "count")
        choice = devices.choose(None if prefer is None else str(prefer), min_free, count)
        return [devices.backend().handle(info) for info in (choice.device, *choice.others)[:count]]

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
        """Seed Python's, NumPy's and torch's generators and return the seed.

        What is not imported yet is seeded at the moment it is, and what is not installed is left out.

        Args:
            seed: From 0 to 4294967295, NumPy's range.

        Raises:
            UsageError: The seed is no whole number, or outside that range.

        Example:
            >>> device_manager.seed_everything(0)  # doctest: +SKIP
            0
        """
        number = _whole(seed, "the seed")
        if not 0 <= number < 2**32:
            raise UsageError(f"the seed is {seed}", hint="seeds go from 0 to 4294967295")
        _devices().seed(number)
        return number

    def to(self, batch: Any, device: object = None) -> Any:
        """Return ``batch`` with every tensor in it, however nested, on the run's device (or ``device``).

        Example:
            >>> inputs, targets = device_manager.to(batch)  # doctest: +SKIP
        """
        return _devices().backend().move(batch, self._target(device))

    def prefetch(self, loader: Iterable[Any], device: object = None) -> Iterable[Any]:
        """Return the loader's batches in the same order, on the run's device (or ``device``).

        On a GPU each batch is copied ahead of the loop, from pinned memory, beside the computation; on the CPU the
        loader itself comes back.

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
        return self.get_device() if device is None else _devices().handle(str(device))


device_manager = DeviceManager()


def _devices() -> RunDevices:
    from tipi_core.devices.current import RunDevices

    return current_run().service(RunDevices)


def _whole(number: SupportsIndex, what: str) -> int:
    """Return a whole number of any kind, NumPy's included, as an int."""
    try:
        return index(number)
    except TypeError:
        raise UsageError(f"{what} is {number!r}", hint="it is a whole number") from None
