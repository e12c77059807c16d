"""The process ``Sequence``: functions that are called one after another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from tipi.plugin import ConfigError, NameOf, PipelineProcess, did_you_mean, progress_bar
from tipi_plugins.builtin.recipes import find_function

if TYPE_CHECKING:
    from tipi.plugin import PipelineController


class Sequence(PipelineProcess):
    """Calls functions one after another, each as if it were a process of its own.

    A parameter of a function gets its value from ``arguments``, else from what an earlier function of the sequence
    returned, the permanence or the earlier process of that name, else its default.

    Args:
        controller: What the process sees of the run.
        force: Execute even where a subclass's ``skip`` would say no.
        functions: What is called, as ``module:function``, in this order; one or more.
        arguments: Values for parameters, by the function's name: ``{ prepare = { size = 3 } }``.

    Raises:
        ConfigError: There is no function, one of them is no function or named twice, or ``arguments`` names none.
    """

    def __init__(
        self,
        controller: PipelineController,
        force: bool = False,
        *,
        functions: list[Annotated[str, NameOf("function")]],
        arguments: dict[str, dict[str, Any]] | None = None,
    ) -> None:
        super().__init__(controller, force)
        if not functions:
            raise ConfigError("a Sequence has no functions", hint='give functions = ["module:function"]')
        found = [(name.rpartition(":")[2], find_function(controller, name, "function")) for name in functions]
        self.functions = dict(found)
        self.arguments = arguments or {}
        if len(self.functions) < len(found):
            raise ConfigError("a Sequence has two functions of one name", hint="rename one of them")
        for name in self.arguments:
            if name not in self.functions:
                hint = did_you_mean(name, self.functions, "there are")
                raise ConfigError(f"arguments has {name!r}, which is no function of the Sequence", hint=hint)

    def execute(self) -> dict[str, Any]:
        """Call the functions and return what each returned, by its name."""
        results: dict[str, Any] = {}
        with progress_bar(self.functions.items(), desc="Sequence", unit="function", leave=False) as bar:
            for name, function in bar:
                bar.set_postfix_str(name)
                results[name] = self.controller.call(function, self.arguments.get(name, {}), results)
        return results
