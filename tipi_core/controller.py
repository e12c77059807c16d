"""The controller: builds permanences in dependency order, runs processes, releases everything in reverse order."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeVar, overload

from tipi_core.components.permanence import Held, Permanence
from tipi_core.components.process import BoundProcess, FunctionProcess, Outcome, PipelineProcess
from tipi_core.components.signature import Signature, bind, check_params
from tipi_core.config.model import ComponentSpec, PipelineConfig
from tipi_core.errors import ConfigError, did_you_mean
from tipi_core.hookspecs import hookimpl
from tipi_core.registry import import_target
from tipi_core.run import CleanupStack, Run

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Component:
    """A component whose type is found and imported: the object, and what it takes."""

    spec: ComponentSpec
    target: Any
    signature: Signature = field(default_factory=Signature)


class PipelineController:
    """What a process sees of its pipeline.

    Attributes:
        run: The run.
        config: The pipeline's configuration.

    Example:
        >>> def execute(self):  # in a PipelineProcess
        ...     device = self.controller.get_permanence("device")
    """

    def __init__(
        self,
        run: Run,
        config: PipelineConfig,
        components: Mapping[tuple[str, str], Component],
        imported: Callable[[str], Any] = import_target,
    ) -> None:
        self.run = run
        self.config = config
        self._components = components
        self._imported = imported
        self._values: dict[str, Any] = {}
        self._cleanup = CleanupStack()

    @property
    def permanences(self) -> Mapping[str, Any]:
        """What the permanences built so far provide, by name."""
        return MappingProxyType(self._values)

    @overload
    def get_permanence(self, name: str) -> Any: ...
    @overload
    def get_permanence(self, name: str, kind: type[T]) -> T: ...
    def get_permanence(self, name: str, kind: type[Any] | None = None) -> Any:
        """Return what the permanence of that name provides.

        Args:
            name: Its table's name in the config.
            kind: The class that it must be an instance of; also its static type.

        Raises:
            LookupError: There is no such permanence, or it is not built yet.
            TypeError: It is no ``kind``.
        """
        if name not in self._values:
            hint = did_you_mean(name, self._values, "permanences here") or "the config has no permanences"
            raise LookupError(f"no permanence {name!r}: {hint}")
        return _of_kind(self._values[name], kind, f"permanence {name!r}")

    @overload
    def get_result(self, name: str) -> Any: ...
    @overload
    def get_result(self, name: str, kind: type[T]) -> T: ...
    def get_result(self, name: str, kind: type[Any] | None = None) -> Any:
        """Return the result of an earlier process.

        Raises:
            LookupError: No process of that name has finished.
            TypeError: The result is no ``kind``.
        """
        if name not in self.run.results:
            hint = did_you_mean(name, self.run.results, "finished so far") or "no process has finished yet"
            raise LookupError(f"no result of process {name!r}: {hint}")
        return _of_kind(self.run.results[name].value, kind, f"result {name!r}")

    def call(
        self, function: Callable[..., T], params: Mapping[str, Any], results: Mapping[str, Any] | None = None
    ) -> T:
        """Call a function as the function of a process is called, and return what it returns.

        Args:
            function: Its parameters get their values from ``params``, else from ``results``, the permanences and the
                results of earlier processes by name, else their defaults.
            params: Values by parameter.
            results: More values, such as those of functions that were called before.

        Raises:
            ConfigError: A parameter has no value, or one that its annotation refuses.

        Example:
            >>> self.controller.call(make_table, {"rows": 10})  # doctest: +SKIP
        """
        signature, found = Signature.of(function, ("controller",)), results or {}
        provided = {*self.run.results, *self._available(), *found}
        for mistake in check_params(signature, params, provided, getattr(function, "__name__", repr(function))):
            raise ConfigError(mistake.what, hint=mistake.hint)
        return self._bound_call(function, signature, params, found)

    def find_resource(self, kind: str, name: str) -> Any:
        """Return the object that ``module:attr`` names, or that a plugin registered under that kind and name.

        Args:
            kind: Such as ``model`` or ``dataset``.
            name: A registered name, or an import string under the same trust rule as ``type``.

        Returns:
            The object; None where no plugin knows the name.

        Raises:
            TrustError: The import string names code that this project does not trust.
            ConfigError: It does not import.
        """
        if ":" in name:
            return self._imported(name)
        entry = self.run.host.registry.get(kind, name)
        return None if entry is None else entry.load()

    def resource_names(self, kind: str) -> list[str]:
        """Return the names that plugins registered for a kind, such as ``model``."""
        return self.run.host.registry.names(kind)

    # What the runner and core's providers call.

    def build(self, spec: ComponentSpec) -> None:
        """Build one permanence, initialize and validate it; its clean-up is due from here on."""
        with _noting(self, spec):
            held = self.run.host.create_permanence(self, spec)
        self._cleanup.push(f"permanence {spec.name!r}", lambda: self._release(spec, held))
        self._values[spec.name] = held.value
        self.run.host.register_permanence(spec.name, held.value)
        with _noting(self, spec):
            for method in ("initialize", "validate"):
                self._lifecycle(spec, method)
        self.run.event("permanence_ready", name=spec.name, type=spec.type)

    def construct(self, spec: ComponentSpec, force: bool) -> BoundProcess:
        """Return the process, constructed."""
        component = self._components["process", spec.name]
        with _noting(self, spec):
            if isinstance(component.target, type):
                arguments = bind(component.signature, spec.params, self._available())
                arguments |= {"controller": self, "force": force}
                names = {parameter.name for parameter in component.signature.parameters}
                known = {name: value for name, value in arguments.items() if name in names or component.signature.open}
                instance: PipelineProcess = component.target(**known)
            else:
                instance = FunctionProcess(self, force, lambda: self._call(component))
        return BoundProcess(spec.name, spec, instance, force)

    def execute(self, process: BoundProcess) -> Outcome:
        """Execute one process and keep its outcome."""
        self.run.event("process_started", name=process.name, type=process.spec.type)
        try:
            with _noting(self, process.spec):
                outcome = self.run.host.execute_process(self, process)
        except BaseException as error:
            self.run.event("process_failed", name=process.name, error=f"{type(error).__name__}: {error}")
            raise
        self.run.results[process.name] = outcome
        kind = "process_skipped" if outcome.skipped else "process_finished"
        self.run.event(kind, name=process.name, seconds=outcome.seconds, reason=outcome.reason)
        return outcome

    def checkpoint(self) -> None:
        """Call ``checkpoint`` on every permanence, in the order they were built."""
        for name in self._values:
            spec = self._components["permanence", name].spec
            with _noting(self, spec):
                self._lifecycle(spec, "checkpoint")

    def close(self) -> list[tuple[str, BaseException]]:
        """Release all permanences in reverse order; return what failed."""
        return self._cleanup.close()

    def create(self, spec: ComponentSpec) -> Held:
        """Make a permanence from its class, function or generator function."""
        component = self._components["permanence", spec.name]
        with _users(self):
            arguments = bind(component.signature, spec.params, self._available())
            arguments.pop(spec.name, None) if spec.name not in spec.params else None
            made = component.target(**arguments)
            return _held_generator(made) if inspect.isgeneratorfunction(component.target) else Held(made)

    def _call(self, component: Component) -> Any:
        return self._bound_call(component.target, component.signature, component.spec.params, {})

    def _bound_call(
        self, function: Callable[..., T], signature: Signature, params: Mapping[str, Any], results: Mapping[str, Any]
    ) -> T:
        earlier = {name: outcome.value for name, outcome in self.run.results.items()}
        return function(**bind(signature, params, {**earlier, **self._available(), **results}))

    def _available(self) -> dict[str, Any]:
        return {"controller": self, **self._values}

    def _lifecycle(self, spec: ComponentSpec, method: str) -> None:
        """Call a lifecycle method where the permanence is an instance of its type and defines it."""
        value = self._values[spec.name]
        owns = isinstance(self._components["permanence", spec.name].target, type)
        if (owns or isinstance(value, Permanence)) and callable(getattr(type(value), method, None)):
            getattr(value, method)()

    def _release(self, spec: ComponentSpec, held: Held) -> None:
        try:
            self._lifecycle(spec, "cleanup")
        finally:
            self.run.host.unregister_permanence(spec.name)
            if held.close is not None:
                held.close()


class CoreProviders:
    """Core's own plugin: what makes permanences and executes processes when no other plugin does."""

    @hookimpl(trylast=True)
    def tipi_create_permanence(self, controller: PipelineController, spec: ComponentSpec) -> Held:
        """Make it from its type."""
        return controller.create(spec)

    @hookimpl(trylast=True)
    def tipi_execute_process(self, controller: PipelineController, process: BoundProcess) -> Outcome:
        """Skip it or execute it, and take the time."""
        start = time.perf_counter()
        with _users(controller):
            skip = False if process.force else process.instance.skip()
            if skip:
                reason = skip if isinstance(skip, str) else "nothing to do"
                return Outcome(None, time.perf_counter() - start, skipped=True, reason=reason)
            value = process.instance.execute()
        return Outcome(value, time.perf_counter() - start)


class _users:  # noqa: N801 - a context manager reads as a word
    """Mark an exception of the block as the user's own, which the host must not wrap."""

    def __init__(self, controller: PipelineController) -> None:
        self.host = controller.run.host

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is not None:
            self.host.user_error = error


class _noting:  # noqa: N801 - a context manager reads as a word
    """Add a note with pipeline, component and config line to an exception of the block."""

    def __init__(self, controller: PipelineController, spec: ComponentSpec) -> None:
        self.pipeline = controller.config.name
        self.spec = spec

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is not None:
            error.add_note(f"in pipeline {self.pipeline!r}, {self.spec.kind} {self.spec.name!r} ({self.spec.where})")


def _held_generator(generator: Any) -> Held:
    """Return what a generator function yields; the rest of it is the clean-up."""
    value = next(generator)

    def close() -> None:
        if next(generator, _END) is not _END:
            raise RuntimeError("a permanence's generator function must yield exactly once")

    return Held(value, close)


_END = object()


def _of_kind(value: Any, kind: type[Any] | None, what: str) -> Any:
    if kind is not None and not isinstance(value, kind):
        raise TypeError(f"{what} is a {type(value).__name__}, not a {kind.__name__}")
    return value
