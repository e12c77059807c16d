"""W&B in the training's own process, for those who ask: ``watch`` and raw wandb objects, without the relay's promise.

wandb is imported, ``init`` may wait for the network, and what W&B does to the process it does to the training.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tipi.plugin import Run, Tracker


class DirectRuns:
    """The W&B run inside this process, if there is one; made by ``run.service(DirectRuns)``."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._client: Any = None

    def start(self, settings: Mapping[str, Any], explain: str, state: str) -> Tracker:
        """Begin a W&B run here.

        Raises:
            Exception: Whatever wandb raises when it cannot begin.
        """
        from tipi.plugin import Tracker
        from tipi_plugins.wandb.client import Client
        from tipi_plugins.wandb.files import patience

        record = self._run.record
        assert record is not None
        arguments = sys.argv
        try:
            self._client = Client(record.path, settings, record.info, patience())
        finally:
            sys.argv = arguments
        return Tracker(
            "wandb", state, f"{explain}; wandb runs in this process", self._client.page, self._finish,
            watch=self._client.watch,
        )  # fmt: skip

    def send(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Send rows; called on the observers' thread."""
        if self._client is not None:
            self._client.send([dict(row) for row in records])

    def _finish(self) -> None:
        assert self._run.record is not None
        client, self._client = self._client, None
        client.finish(self._run.record.info)
