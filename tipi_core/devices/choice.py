"""The choice of a device: a pure function of what there is and what was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tipi_core.devices.info import DeviceInfo, format_bytes
from tipi_core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

BUSY_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Choice:
    """The device that was taken and why; ``warning`` is what the user should know before hours are spent.

    Example:
        >>> choose([DeviceInfo("cpu")]).reason
        'there is no other device'
    """

    device: DeviceInfo
    reason: str
    warning: str | None = None


def choose(
    devices: Iterable[DeviceInfo],
    *,
    wanted: str | None = None,
    prefer: str | None = None,
    min_free: int | None = None,
    local_rank: int | None = None,
) -> Choice:
    """Return the device to take: an accelerator before the CPU, and of several the one with the most memory free.

    Args:
        devices: What there is; records with a note are not usable and only explain.
        wanted: A type (``"cuda"``) or label (``"cuda:1"``) that must be there: ``TIPI_DEVICE``.
        prefer: The same as a wish: where it is not there, the rest is considered, with a warning.
        min_free: Bytes that must be free; a device that does not tell its free memory passes.
        local_rank: The number of this process among those on this machine: process n takes the n-th accelerator.

    Raises:
        UsageError: What must be there is not, nothing has ``min_free``, or there is no device at all.

    Example:
        >>> gpus = [DeviceInfo("cuda", 0, free=10, total=90), DeviceInfo("cuda", 1, free=80, total=90)]
        >>> choose([*gpus, DeviceInfo("cpu")]).device.label
        'cuda:1'
    """
    everything = list(devices)
    usable = [device for device in everything if device.usable]
    if not usable:
        raise UsageError("there is no device to use", hint=_table(everything) or "no device plugin found any")
    if wanted:
        return _among(_required(usable, everything, wanted), min_free, f"TIPI_DEVICE={wanted}")
    wished = [device for device in usable if prefer and matches(device, prefer)]
    if wished:
        return _among(wished, min_free, f"{prefer} was asked for")
    warning = f"there is no device {prefer!r} here" if prefer else None
    best = [device for device in usable if device.type == _best_type(usable)]
    if local_rank is not None:
        return _of_rank(best, local_rank, min_free, warning)
    return _among(best, min_free, "", warning, _explain_cpu(best, everything))


def matches(device: DeviceInfo, words: str) -> bool:
    """Return whether a device is the one, or of the kind, that ``words`` name; ``"mps:0"`` is ``"mps"``.

    Example:
        >>> matches(DeviceInfo("cuda", 1), "cuda"), matches(DeviceInfo("cuda", 1), "cuda:0")
        (True, False)
    """
    kind, _, index = words.strip().lower().partition(":")
    if device.type != kind:
        return False
    return not index or str(device.index or 0) == index


def _best_type(usable: Sequence[DeviceInfo]) -> str:
    return min((device.type == "cpu", -_free(device), device.type) for device in usable)[2]


def _free(device: DeviceInfo) -> int:
    return -1 if device.free is None else device.free


def _order(device: DeviceInfo) -> tuple[int, int]:
    return -_free(device), device.index or 0


def _required(usable: Sequence[DeviceInfo], everything: Sequence[DeviceInfo], wanted: str) -> list[DeviceInfo]:
    hits = [device for device in usable if matches(device, wanted)]
    if not hits:
        raise UsageError(f"TIPI_DEVICE asks for {wanted!r}, which is not here", hint=f"here: {_table(everything)}")
    return hits


def _enough(devices: Sequence[DeviceInfo], min_free: int | None) -> list[DeviceInfo]:
    enough = [device for device in devices if not min_free or device.free is None or device.free >= min_free]
    if not enough:
        raise UsageError(f"no device has {format_bytes(min_free or 0)} free", hint=_table(devices))
    return enough


def _among(
    devices: Sequence[DeviceInfo],
    min_free: int | None,
    because: str,
    warning: str | None = None,
    alone: str = "there is no other device",
) -> Choice:
    device = min(_enough(devices, min_free), key=_order)
    reasons = [because] if because else []
    if len(devices) > 1:
        reasons.append(f"it has the most memory free of {len(devices)}: {_table(devices)}")
    busy = _busy_warning(device, devices)
    warnings = "; ".join(part for part in (warning, busy) if part)
    return Choice(device, "; ".join(reasons) or alone, warnings or None)


def _of_rank(best: Sequence[DeviceInfo], local_rank: int, min_free: int | None, warning: str | None) -> Choice:
    ordered = sorted(best, key=lambda device: device.index or 0)
    device = ordered[local_rank % len(ordered)]
    _enough([device], min_free)
    if local_rank >= len(ordered) and device.type != "cpu":
        warning = f"there are fewer devices ({len(ordered)}) than processes: {device.label} is shared"
    return Choice(device, f"this process has local rank {local_rank}", warning)


def _busy_warning(device: DeviceInfo, devices: Sequence[DeviceInfo]) -> str | None:
    if device.type == "cpu" or device.free is None or not device.total:
        return None
    if device.free >= BUSY_SHARE * device.total:
        return None
    words = "every device is" if len(devices) > 1 else f"{device.label} is"
    return f"{words} busy: {_table(devices)}"


def _explain_cpu(best: Sequence[DeviceInfo], everything: Sequence[DeviceInfo]) -> str:
    notes = [device.describe() for device in everything if not device.usable]
    if best[0].type != "cpu" or not notes:
        return "there is no other device"
    return f"nothing else can be used: {', '.join(notes)}"


def _table(devices: Sequence[DeviceInfo]) -> str:
    return ", ".join(device.describe() for device in devices)
