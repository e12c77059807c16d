"""What fills parameters that a config leaves open: permanences, and the results of earlier processes."""

from __future__ import annotations

from collections.abc import Iterable

from tipi_core.config.model import ComponentSpec, PipelineConfig
from tipi_core.registry import PROCESS


class Providers:
    """The permanences and processes of one config, by name."""

    def __init__(self, config: PipelineConfig) -> None:
        self.permanences = set(config.names("permanences"))
        self._places = {name: place for place, name in enumerate(config.names("processes"))}

    def comes_before(self, name: str, process: str) -> bool:
        """Return whether a process of that name runs before another one."""
        return name in self._places and self._places[name] < self._places[process]

    def fill(self, spec: ComponentSpec, is_class: bool | None, names: Iterable[str]) -> dict[str, str]:
        """Return which of the parameters ``names`` are filled in, and by what; a permanence wins over a result."""
        found = {}
        for name in names:
            if name in self.permanences and ("permanences", name) != spec.path:
                found[name] = f"permanence {name}"
            elif spec.kind == PROCESS and not is_class and self.comes_before(name, spec.name):
                found[name] = f"result of {name}"
        return found
