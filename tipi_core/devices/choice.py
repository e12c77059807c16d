"""The choice of a device: a pure function of what there is and what was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tipi_core.devices.info import DeviceInfo, format_bytes
from tipi_core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

BUSY_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Choice:
    """The device that was taken and why; ``warning`` is what the user should know before hours are spent.

    Attributes:
        device: The device.
        reason: Why it is this one.
        warning: One line for stderr, or None.
        others: The devices after the first, where several were asked for.

    Example:
        >>> choose([DeviceInfo("cpu")]).reason
        'there is no other device'
    """

    device: DeviceInfo
    reason: str
    warning: str | None = None
    others: tuple[DeviceInfo, ...] = ()


def choose(
    devices: Iterable[DeviceInfo],
    *,
    wanted: str | None = None,
    prefer: str | None = None,
    min_free: int | None = None,
    local_rank: int | None = None,
    leased: Collection[str] = (),
    count: int = 1,
) -> Choice:
    """Return the device to take: an accelerator before the CPU, and of several the one with the most memory free.

    A device that another run of the same user holds is taken only where the rest is busy.

    Args:
        devices: What there is; records with a note are not usable and only explain.
        wanted: A type (``"cuda"``) or label (``"cuda:1"``) that must be there: ``TIPI_DEVICE``.
        prefer: The same as a wish: where it is not there, the rest is considered, with a warning.
        min_free: Bytes that must be free; a device that does not tell its free memory passes.
        local_rank: The number of this process among those on this machine: process n takes the n-th accelerator.
        leased: Labels of the devices that other runs of this user hold.
        count: How many devices of one kind are taken.

    Raises:
        UsageError: What must be there is not, fewer than ``count`` have ``min_free``, or there is no device at all.

    Example:
        >>> gpus = [DeviceInfo("cuda", 0, free=10, total=90), DeviceInfo("cuda", 1, free=80, total=90)]
        >>> choose([*gpus, DeviceInfo("cpu")]).device.label
        'cuda:1'
    """
    everything = list(devices)
    usable = [device for device in everything if device.usable]
    if not usable:
        raise UsageError("there is no device to use", hint=_table(everything) or "no device plugin found any")
    demand = _Demand(min_free, frozenset(leased), count)
    if wanted:
        required = _required(usable, everything, wanted)
        if local_rank is not None and len(required) > 1:
            return _of_rank(required, local_rank, demand, None)
        return _among(required, demand, f"TIPI_DEVICE={wanted}")
    wished = [device for device in usable if prefer and matches(device, prefer)]
    if local_rank is not None and len(wished) > 1:
        return _of_rank(wished, local_rank, demand, None)
    if wished:
        return _among(wished, demand, f"{prefer} was asked for")
    warning = f"there is no device {prefer!r} here" if prefer else None
    best = [device for device in usable if device.type == _best_type(usable)]
    if local_rank is not None:
        return _of_rank(best, local_rank, demand, warning)
    notes = _unusable(best, everything)
    alone = f"nothing else can be used: {notes}" if notes else _alone(best[0])
    warnings = "; ".join(part for part in (warning, f"nothing faster can be used: {notes}" if notes else "") if part)
    return _among(best, demand, "", warnings or None, alone)


@dataclass(frozen=True, slots=True)
class _Demand:
    """What is asked of the devices of one kind."""

    min_free: int | None = None
    leased: frozenset[str] = frozenset()
    count: int = 1


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


def _alone(device: DeviceInfo) -> str:
    return "there is no other device" if device.type == "cpu" else "it is the only accelerator"


def _free(device: DeviceInfo) -> int:
    return -1 if device.free is None else device.free


def _order(device: DeviceInfo) -> tuple[int, int]:
    return -_free(device), device.index or 0


def _required(usable: Sequence[DeviceInfo], everything: Sequence[DeviceInfo], wanted: str) -> list[DeviceInfo]:
    hits = [device for device in usable if matches(device, wanted)]
    if not hits:
        raise UsageError(f"TIPI_DEVICE asks for {wanted!r}, which is not here", hint=f"here: {_table(everything)}")
    return hits


def _enough(devices: Sequence[DeviceInfo], demand: _Demand) -> list[DeviceInfo]:
    least = demand.min_free or 0
    enough = [device for device in devices if device.free is None or device.free >= least]
    if len(enough) >= demand.count:
        return enough
    having = f" with {format_bytes(least)} free" if least else ""
    what = f"no device has {format_bytes(least)} free" if demand.count == 1 else f"not {demand.count} devices{having}"
    raise UsageError(what, hint=_table(devices))


def _among(
    devices: Sequence[DeviceInfo],
    demand: _Demand,
    because: str,
    warning: str | None = None,
    alone: str = "there is no other device",
) -> Choice:
    ranked = _rank(_enough(devices, demand), demand.leased)
    device, *others = ranked[: demand.count]
    reasons = [because] if because else []
    if len(devices) > 1:
        reasons.append(_compare(ranked[0], devices, demand.leased))
    warnings = [warning, _busy_warning(device, devices), _shared_warning([device, *others], demand.leased)]
    return Choice(
        device, "; ".join(reasons) or alone, "; ".join(part for part in warnings if part) or None, tuple(others)
    )


def _rank(devices: Sequence[DeviceInfo], leased: frozenset[str]) -> list[DeviceInfo]:
    """Return the devices, the best first: free ones, then those of the user's other runs, then the busy ones."""
    free = sorted((device for device in devices if device.label not in leased), key=_order)
    taken = sorted((device for device in devices if device.label in leased), key=_order)
    idle = [device for device in free if not _is_busy(device)]
    roomy = [device for device in taken if not _is_busy(device)]
    rest = sorted((device for device in devices if _is_busy(device)), key=_order)
    return [*idle, *roomy, *rest]


def _compare(device: DeviceInfo, devices: Sequence[DeviceInfo], leased: frozenset[str]) -> str:
    held = [other.label for other in devices if other.label in leased and other is not device]
    among = f"{len(devices)} ({', '.join(held)} taken by other runs of yours)" if held else str(len(devices))
    return f"it has the most memory free of {among}: {_table(devices)}"


def _of_rank(best: Sequence[DeviceInfo], local_rank: int, demand: _Demand, warning: str | None) -> Choice:
    if demand.count > 1:
        raise UsageError("under torchrun each process takes one device", hint="leave count out")
    ordered = sorted(best, key=lambda device: device.index or 0)
    device = ordered[local_rank % len(ordered)]
    _enough([device], demand)
    if local_rank >= len(ordered) and device.type != "cpu":
        warning = f"there are fewer devices ({len(ordered)}) than processes: {device.label} is shared"
    return Choice(device, f"this process has local rank {local_rank}", warning)


def _is_busy(device: DeviceInfo) -> bool:
    if device.type == "cpu" or device.free is None or not device.total:
        return False
    return device.free < BUSY_SHARE * device.total


def _busy_warning(device: DeviceInfo, devices: Sequence[DeviceInfo]) -> str | None:
    if not _is_busy(device):
        return None
    words = "every device is" if len(devices) > 1 else f"{device.label} is"
    return f"{words} busy: {_table(devices)}"


def _shared_warning(taken: Sequence[DeviceInfo], leased: frozenset[str]) -> str | None:
    shared = [device.label for device in taken if device.label in leased]
    return f"another run of yours holds {', '.join(shared)}" if shared else None


def _unusable(best: Sequence[DeviceInfo], everything: Sequence[DeviceInfo]) -> str:
    """Return what cannot be used and why, where that leaves only the CPU."""
    return _table([device for device in everything if not device.usable]) if best[0].type == "cpu" else ""


def _table(devices: Sequence[DeviceInfo]) -> str:
    return ", ".join(device.describe() for device in devices)
