"""Processes: what a pipeline does, as classes and as decorated functions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, overload

if TYPE_CHECKING:
    from tipi_core.config.model import ComponentSpec
    from tipi_core.controller import PipelineController

P = ParamSpec("P")
R = TypeVar("R")

MARK = "__tipi_process__"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one process: its result, seconds of wall time, and whether and why it was skipped.

    Example:
        >>> Outcome(value=None, seconds=0.0, skipped=True, reason="done before").reason
        'done before'
    """

    value: Any
    seconds: float
    skipped: bool = False
    reason: str | None = None


class PipelineProcess(ABC):
    """One step of a pipeline; subclasses implement :meth:`execute`.

    Args:
        controller: What the process sees of the run: permanences, earlier results, config.
        force: Execute even where :meth:`skip` would say no.

    Example:
        >>> class Greet(PipelineProcess):
        ...     def __init__(self, controller, force=False, name: str = "world"):
        ...         super().__init__(controller, force)
        ...         self.name = name
        ...     def execute(self):
        ...         return f"hello {self.name}"
        >>> Greet(None).execute()
        'hello world'
    """

    def __init__(self, controller: PipelineController, force: bool = False) -> None:
        self.controller = controller
        self.force = force

    @abstractmethod
    def execute(self) -> Any:
        """Do the work; the return value is the result that later processes see."""

    def skip(self) -> bool | str:
        """Return True, or the reason as text, when there is nothing to do; ignored under ``force``."""
        return False


@dataclass(frozen=True, slots=True)
class BoundProcess:
    """A process that is constructed and ready: what ``tipi_execute_process`` receives."""

    name: str
    spec: ComponentSpec
    instance: PipelineProcess
    force: bool = False


class FunctionProcess(PipelineProcess):
    """A function in the place of a process: called with what :class:`PipelineController` binds for it."""

    def __init__(self, controller: PipelineController, force: bool, call: Callable[[], Any]) -> None:
        super().__init__(controller, force)
        self.call = call

    def execute(self) -> Any:
        """Bind the parameters of the moment and call the function."""
        return self.call()


@overload
def pipeline_process(function: Callable[P, R]) -> Callable[P, R]: ...
@overload
def pipeline_process(*, name: str | None = None) -> Callable[[Callable[P, R]], Callable[P, R]]: ...
def pipeline_process(function: Callable[P, R] | None = None, *, name: str | None = None) -> Any:
    """Mark a function as a process that ``type = "its_name"`` finds; the function itself stays what it is.

    Args:
        function: The function; it is returned unchanged: same object, same signature, picklable.
        name: The name for ``type`` in place of the function's own.

    Raises:
        TypeError: The decorated object is not a plain function.

    Example:
        >>> @pipeline_process
        ... def double(x: int = 2) -> int:
        ...     return 2 * x
        >>> double(4)
        8
    """

    def mark(target: Callable[P, R]) -> Callable[P, R]:
        if not hasattr(target, "__code__"):
            raise TypeError(f"@pipeline_process wants a function, got {target!r}; a class derives PipelineProcess")
        setattr(target, MARK, name or getattr(target, "__name__", None))
        return target

    return mark if function is None else mark(function)
