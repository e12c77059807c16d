"""The device backend that works with torch: all torch code of the helpers is here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import torch
from torch import nn

from tipi_plugins.devices.batches import Moved, Prefetch, change_parts

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from tipi.plugin import DeviceInfo

STREAMED = ("cuda", "xpu")  # kinds whose work is queued on streams and whose copies need not block


class TorchBackend:
    """Torch as the engine sees it; nothing here initialises CUDA before a tensor goes there."""

    def problem(self, info: DeviceInfo) -> str | None:
        """Return why this build of torch cannot use a device, or None."""
        version = torch.__version__
        if info.type == "cuda" and torch.version.cuda is None and torch.version.hip is None:
            return f"torch {version} is built without CUDA"
        if info.type == "xpu" and not torch.xpu.is_available():
            return f"torch {version} cannot use it"
        if info.type == "mps" and not torch.backends.mps.is_available():
            return f"torch {version} cannot use it"
        return None

    def handle(self, info: DeviceInfo) -> torch.device:
        """Return the ``torch.device`` of a record."""
        return torch.device(info.label)

    def memory(self, device: torch.device) -> tuple[int, int] | None:
        """Return the free and the total bytes of a GPU, which takes a context on it; None for other devices."""
        if device.type not in STREAMED:
            return None
        try:
            free, total = getattr(torch, device.type).mem_get_info(device)
        except (AttributeError, RuntimeError):  # an old torch, or a driver that does not tell
            return None
        return int(free), int(total)

    def move(self, value: Any, device: torch.device) -> Any:
        """Return ``value`` with every tensor in it on ``device``; what has a method ``to`` moves itself."""
        # towards the CPU a copy that does not block would be read before it is there
        ahead = device.type in STREAMED

        def change(item: Any) -> Any:
            return item.to(device, non_blocking=ahead) if isinstance(item, torch.Tensor) else item.to(device)

        return change_parts(value, change)

    def fetch(self, tensors: Sequence[Any]) -> list[float]:
        """Return scalar tensors as floats, with one transfer for each device and dtype."""
        groups: dict[tuple[torch.device, torch.dtype], list[int]] = {}
        for position, tensor in enumerate(tensors):
            groups.setdefault((tensor.device, tensor.dtype), []).append(position)
        values: dict[int, float] = {}
        for positions in groups.values():
            stacked = torch.stack([tensors[position].detach().reshape(()) for position in positions])
            values.update(zip(positions, map(float, stacked.tolist()), strict=True))
        return [values[position] for position in range(len(tensors))]

    def prefetch(self, loader: Iterable[Any], device: torch.device) -> Iterable[Any]:
        """Return the loader itself for the CPU; for a GPU its batches, copied ahead of the loop."""
        if device.type in STREAMED:
            return Prefetch(loader, device)
        return loader if device.type == "cpu" else Moved(loader, lambda batch: self.move(batch, device))

    def prepare(self, module: Any, device: torch.device) -> Any:
        """Return a model on ``device``."""
        return module.to(device)

    def autocast(self, device: torch.device, dtype: Any = None, enabled: bool = True) -> AbstractContextManager[None]:
        """Return torch's autocast context for ``device``."""
        return cast("AbstractContextManager[None]", torch.autocast(device.type, dtype=dtype, enabled=enabled))

    def seed(self, seed: int) -> None:
        """Seed torch on every device; CUDA's generators get it when CUDA starts."""
        torch.manual_seed(seed)

    def rng_state(self) -> dict[str, Any]:
        """Return the state of torch's generators; of a kind of GPU only where it has started."""
        started = {name: module.get_rng_state_all() for name, module in _started()}
        return {"cpu": torch.get_rng_state(), **started}

    def set_rng_state(self, state: Mapping[str, Any]) -> None:
        """Take back a state of the generators; that of GPUs only where this machine has as many of them."""
        torch.set_rng_state(state["cpu"])
        for name in STREAMED:
            module = getattr(torch, name)
            if name in state and len(state[name]) == module.device_count():
                module.set_rng_state_all(state[name])

    def synchronize(self, device: torch.device) -> None:
        """Wait until everything queued on ``device`` is done; the CPU queues nothing."""
        for name, module in _started():
            if device.type == name:
                module.synchronize(device)
        if device.type == "mps":
            torch.mps.synchronize()

    def empty_cache(self) -> None:
        """Give memory that torch caches and does not use back to the devices."""
        for _, module in _started():
            module.empty_cache()
        if torch.backends.mps.is_available():
            torch.mps.empty_cache()

    def plain(self, tensor: Any) -> Any:
        """Return a tensor of a subclass as plain values; a parameter stays one.

        Raises:
            TypeError: It keeps its values in other tensors, such as one that is quantized or spread over processes.
        """
        if type(tensor) in (torch.Tensor, nn.Parameter) or not isinstance(tensor, torch.Tensor):
            return tensor
        if hasattr(type(tensor), "__tensor_flatten__"):
            raise TypeError(
                f"is a {type(tensor).__name__}, which holds its values in other tensors; a checkpoint holds plain ones:"
                " convert it first, for instance with full_tensor() or dequantize()"
            )
        return tensor.detach().as_subclass(torch.Tensor)

    def save(self, state: Mapping[str, Any], file: BinaryIO) -> None:
        """Write plain types and tensors to an open file."""
        torch.save(dict(state), file)

    def load(self, file: BinaryIO) -> dict[str, Any]:
        """Read back what :meth:`save` wrote, on the CPU; torch refuses files that would execute code."""
        return cast("dict[str, Any]", torch.load(file, map_location="cpu", weights_only=True))


def _started() -> list[tuple[str, Any]]:
    """Return the kinds of GPU that this process has begun to use, with torch's module for each."""
    modules = [(name, getattr(torch, name, None)) for name in STREAMED]
    return [(name, module) for name, module in modules if module is not None and module.is_initialized()]
