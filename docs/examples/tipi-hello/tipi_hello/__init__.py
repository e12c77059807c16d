"""A plugin for tipi: it names a permanence and a process, and imports neither before a run needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tipi.plugin import hookimpl

if TYPE_CHECKING:
    from tipi.plugin import Registry


@hookimpl
def tipi_register(registry: Registry) -> None:
    """Name what the plugin brings."""
    registry.permanence("Phrasebook", "tipi_hello.phrasebook:Phrasebook")
    registry.process("GreetingProcess", "tipi_hello.greeting:GreetingProcess")
