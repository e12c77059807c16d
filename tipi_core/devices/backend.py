"""The library behind the devices: what a plugin implements so that the engine needs no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager

    import torch

    from tipi_core.devices.info import DeviceInfo


class DeviceBackend(Protocol):
    """Everything that the helpers do with tensors; a plugin returns one from ``tipi_create_device_backend``.

    A ``device`` is what :meth:`handle` returned, a ``torch.device``.
    """

    def problem(self, info: DeviceInfo) -> str | None:
        """Return why this build of the library cannot use a device, or None; starts no driver."""

    def handle(self, info: DeviceInfo) -> torch.device:
        """Return the library's own object for a device; starts no driver."""

    def memory(self, device: torch.device) -> tuple[int, int] | None:
        """Return the free and the total bytes of a device, which may start its driver; None where it is not known."""

    def move(self, value: Any, device: torch.device) -> Any:
        """Return ``value`` with every tensor in it, however nested, on ``device``; copies do not block."""

    def fetch(self, tensors: Sequence[Any]) -> list[float]:
        """Return scalar tensors as floats, with one transfer for each device and dtype."""

    def prefetch(self, loader: Iterable[Any], device: torch.device) -> Iterable[Any]:
        """Return the loader's batches, in order, on ``device``."""

    def prepare(self, module: Any, device: torch.device) -> Any:
        """Return a model that is ready on ``device``."""

    def autocast(self, device: torch.device, dtype: Any = None, enabled: bool = True) -> AbstractContextManager[None]:
        """Return a context in which operations run in lower precision where that is safe."""

    def seed(self, seed: int) -> None:
        """Seed the library's generators of every device; starts no driver."""

    def rng_state(self) -> dict[str, Any]:
        """Return the state of the library's generators, as plain types and tensors."""

    def set_rng_state(self, state: Mapping[str, Any]) -> None:
        """Take back a state that :meth:`rng_state` returned."""

    def synchronize(self, device: torch.device) -> None:
        """Wait until everything queued on ``device`` is done."""

    def empty_cache(self) -> None:
        """Give memory that is cached and unused back to the devices."""

    def plain(self, tensor: Any) -> Any:
        """Return a tensor as :meth:`load` gives it back: of no class of its own; raises TypeError where it cannot."""

    def save(self, state: Mapping[str, Any], file: BinaryIO) -> None:
        """Write plain types and tensors to an open file."""

    def load(self, file: BinaryIO) -> dict[str, Any]:
        """Read back what :meth:`save` wrote, on the CPU, executing nothing of the file."""
