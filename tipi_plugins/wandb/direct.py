"""W&B in the training's own process, for those who ask: ``watch`` and raw wandb objects, without the relay's promise.

wandb is imported, ``init`` may wait for the network, and what W&B does to the process it does to the training.
"""

from __future__ import annotations

import atexit
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tipi.plugin import Run, Tracker


class DirectRuns:
    """The W&B run inside this process, if there is one; made by ``run.service(DirectRuns)``."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._client: Any = None
        self._sent = 0

    def start(self, settings: Mapping[str, Any], explain: str, state: str) -> Tracker:
        """Begin a W&B run here.

        Raises:
            Exception: Whatever wandb raises when it cannot begin.
        """
        from tipi.plugin import Tracker
        from tipi_plugins.wandb.client import Client

        record = self._run.record
        assert record is not None
        arguments = sys.argv
        try:
            self._client = Client(record.path, settings, record.info)
        finally:
            sys.argv = arguments
        atexit.register(_write_queued)  # behind wandb's own, so before it: that one ends the W&B run
        return Tracker(
            "wandb", state, f"{explain}; wandb runs in this process", self._client.page, self._finish,
            watch=self._client.watch,
        )  # fmt: skip

    def send(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Send rows, numbered as they lie in the record; called on the writer's thread."""
        if self._client is not None:
            self._client.send([(self._sent + place, dict(row)) for place, row in enumerate(records)])
        self._sent += len(records)

    def _finish(self) -> None:
        assert self._run.record is not None
        client, self._client = self._client, None
        with suppress(Exception):  # at the end of a script wandb has ended the run itself
            client.finish(self._run.record.info)


def _write_queued() -> None:
    """Have the rows that are queued written, and so sent."""
    from tipi.plugin import logger

    logger.summary  # noqa: B018 - it writes what is queued
