"""Trackers: what follows a run's record into another system."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tracker:
    """A tracker that a plugin started, or decided not to start.

    Attributes:
        name: The system, such as ``wandb``.
        state: The rung it stands on: ``online``, ``offline`` or ``local``.
        explain: One line for the user: which rung, why, and how to change it.
        url: Where the run can be seen, when that is known.
        find_url: Returns that place once it is known, for trackers that learn it later.
        watch: Watches a model's gradients, for trackers in this process that can.
        close: Called once after the record got its final state; it waits a bounded time.

    Example:
        >>> Tracker("wandb", "local", "wandb is not installed: metrics stay in runs/").state
        'local'
    """

    name: str
    state: str
    explain: str
    url: str | None = None
    close: Callable[[], None] | None = None
    find_url: Callable[[], str | None] | None = None
    watch: Callable[..., None] | None = None
