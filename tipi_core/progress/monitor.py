"""What ``tqdm.monitor`` is to those who ask it or stop it; here the drawing thread itself notices slow loops."""

from __future__ import annotations


class Monitor:
    """Says that somebody watches over the bars, until it is stopped; the next bar makes another one.

    Example:
        >>> monitor = Monitor()
        >>> monitor.report(), monitor.exit(), monitor.report()
        (True, False, False)
    """

    def __init__(self) -> None:
        self._watches = True

    def report(self) -> bool:
        """Return whether it still watches."""
        return self._watches

    def exit(self) -> bool:
        """Stop; nothing depends on it."""
        self._watches = False
        return self.report()
