"""Permanences: what lives as long as a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Held:
    """A permanence that was built: the value it provides, and what to call when the run ends.

    Example:
        >>> Held([1, 2], close=None).value
        [1, 2]
    """

    value: Any
    close: Callable[[], None] | None = None


class Permanence:
    """An optional base for permanences; every method may be left as it is.

    The run calls :meth:`initialize` and :meth:`validate` once after construction, :meth:`checkpoint` after each
    process, and :meth:`cleanup` when it ends, however it ends. Any other class may be a permanence too: the
    methods of these names that it defines are called in the same way.

    Example:
        >>> class Cache(Permanence):
        ...     def initialize(self) -> None:
        ...         self.items: dict[str, int] = {}
    """

    def initialize(self) -> None:
        """Acquire what construction left out, such as files and connections."""

    def validate(self) -> None:
        """Raise if the permanence cannot serve the run."""

    def checkpoint(self) -> None:
        """Put in order what must survive a crash; called after each process."""

    def cleanup(self) -> None:
        """Release everything; called once, in the reverse order of construction."""

    def state_dict(self) -> dict[str, Any]:
        """Return the state to save in checkpoints, as plain types and tensors."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take back a state that :meth:`state_dict` returned."""
