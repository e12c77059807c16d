"""The process: greet everybody, with a bar and a metric."""

from __future__ import annotations

from typing import Any

from tipi.plugin import PipelineController, PipelineProcess, logger, progress_bar
from tipi_hello.phrasebook import Phrasebook


class GreetingProcess(PipelineProcess):
    """Greets people.

    Args:
        controller: What the run provides.
        force: Greet even where there is nobody.
        phrasebook: The permanence of that name.
        names: Whom to greet.
    """

    def __init__(
        self, controller: PipelineController, force: bool = False, *, phrasebook: Phrasebook, names: list[str]
    ) -> None:
        super().__init__(controller, force)
        self.phrasebook = phrasebook
        self.names = names

    def skip(self) -> bool | str:
        """Skip when there is nobody to greet."""
        return False if self.names else "nobody to greet"

    def execute(self) -> dict[str, Any]:
        """Return the greetings and how many letters they have."""
        greetings = []
        for name in progress_bar(self.names, desc="greeting"):
            greetings.append(self.phrasebook.greet(name))
            logger.log({"letters": len(greetings[-1])})
        return {"greetings": greetings, "letters": sum(map(len, greetings))}
