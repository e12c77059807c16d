"""One device as its driver describes it: kind, position, name, memory."""

from __future__ import annotations

from dataclasses import dataclass

UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """A device that a run could take.

    Attributes:
        type: The kind, as in ``torch.device``: ``"cuda"``, ``"mps"``, ``"cpu"``.
        index: Its position among those of its kind that this process sees; None where there can be only one.
        name: The maker's name for it.
        uuid: The driver's identity of it, if it has one.
        total: Its memory in bytes, if known.
        free: The bytes that no process has taken, if known: of the whole device, not of this process's share.
        utilisation: Percent of the last second in which it was busy, if known.
        note: Why it cannot be used; None where it can.
        temperature: Degrees Celsius, if known.
        processes: The ids of the processes that compute on it, all users', if known.

    Example:
        >>> DeviceInfo("cuda", 1, "H200", total=150_000_000_000, free=90_000_000_000).label
        'cuda:1'
    """

    type: str
    index: int | None = None
    name: str = ""
    uuid: str | None = None
    total: int | None = None
    free: int | None = None
    utilisation: int | None = None
    note: str | None = None
    temperature: int | None = None
    processes: tuple[int, ...] | None = None

    @property
    def label(self) -> str:
        """The text that ``torch.device`` understands."""
        return self.type if self.index is None else f"{self.type}:{self.index}"

    @property
    def usable(self) -> bool:
        """True where nothing speaks against taking it."""
        return self.note is None

    def describe(self) -> str:
        """Return label, name, memory and note in one line.

        Example:
            >>> DeviceInfo("cuda", 0, "H200", total=150_000_000_000, free=90_000_000_000).describe()
            'cuda:0 (H200, 90.0 GB of 150.0 GB free)'
        """
        memory = ""
        if self.free is not None:
            of_total = f" of {format_bytes(self.total)}" if self.total is not None else ""
            memory = f"{format_bytes(self.free)}{of_total} free"
        details = ", ".join(part for part in (self.name, memory, self.note) if part)
        return f"{self.label} ({details})" if details else self.label


def format_bytes(count: float) -> str:
    """Return a number of bytes for people, in decimal units.

    Example:
        >>> format_bytes(90_000_000_000)
        '90.0 GB'
    """
    power = 0
    while abs(count) >= 1000 and power < len(UNITS) - 1:
        count, power = count / 1000, power + 1
    return f"{count:.1f} {UNITS[power]}" if power else f"{count:.0f} B"


def parse_bytes(amount: float | str) -> int:
    """Return a number of bytes given as such or as text: ``"8 GB"`` (10^9) or ``"8 GiB"`` (2^30).

    Raises:
        ValueError: The text is no amount of memory, or it is negative.

    Example:
        >>> parse_bytes("1.5 GB"), parse_bytes("1 KiB"), parse_bytes(512)
        (1500000000, 1024, 512)
    """
    if isinstance(amount, str):
        text = amount.strip().lower().removesuffix("b").strip()
        base = 1024 if text.endswith("i") else 1000
        text = text.removesuffix("i")
        power = "kmgtp".find(text[-1:]) + 1 if text[-1:] else 0
        number = text[:-1] if power else text
    else:
        number, base, power = str(amount), 1000, 0
    try:
        value = int(float(number) * base**power)
    except (ValueError, OverflowError):
        value = -1
    if value < 0:
        raise ValueError(f"{amount!r} is no amount of memory; write bytes, or a text such as '8 GB'")
    return value
