"""How fast a bar advances lately: an exponential average that is right from its first sample."""

from __future__ import annotations


class Average:
    """An exponential moving average without the bias of its start.

    Args:
        smoothing: The weight of the newest sample, from 0 (the first value stays) to 1 (only the newest counts).

    Example:
        >>> average = Average(0.5)
        >>> average.add(2), average.add(4)
        (2.0, 3.3333333333333335)
    """

    __slots__ = ("_samples", "_smoothing", "_sum")

    def __init__(self, smoothing: float = 0.3) -> None:
        self._smoothing = smoothing
        self._sum = 0.0
        self._samples = 0

    def add(self, value: float) -> float:
        """Take a sample and return the average."""
        self._sum = self._smoothing * value + (1 - self._smoothing) * self._sum
        self._samples += 1
        return self.value

    @property
    def value(self) -> float:
        """The average so far; 0 without a sample."""
        if not self._samples:
            return 0.0
        weight = 1 - (1 - self._smoothing) ** self._samples
        return self._sum / weight if weight else 0.0


class Speed:
    """Items a second over the last samples.

    Args:
        smoothing: As for :class:`Average`; 0 gives no recent speed.
    """

    __slots__ = ("_items", "_seconds", "_smoothing", "_weight", "last_n", "last_time")

    def __init__(self, smoothing: float, n: float, now: float) -> None:
        self._smoothing = smoothing
        self._items = self._seconds = self._weight = 0.0  # averages times the weight of all samples so far
        self.last_n = n
        self.last_time = now

    def sample(self, n: float, now: float) -> None:
        """Say that ``n`` items were done at the time ``now``; without progress nothing changes."""
        if n != self.last_n and now > self.last_time:
            new, old = self._smoothing, 1 - self._smoothing
            if new:
                self._items = new * (n - self.last_n) + old * self._items
                self._seconds = new * (now - self.last_time) + old * self._seconds
                self._weight = new + old * self._weight
            self.last_n, self.last_time = n, now

    @property
    def rate(self) -> float | None:
        """Items a second, or None where only the whole time can tell."""
        return self._items / self._seconds if self._seconds else None

    def rate_at(self, now: float) -> float | None:
        """Return items a second at the time ``now``: a bar that has waited longer than usual became slower."""
        waited = self._weight * (now - self.last_time)
        return self._items / max(self._seconds, waited) if self._seconds else None
