"""The plugin host: registers what was loaded and calls each hook through one typed method."""

from __future__ import annotations

import logging
import os
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeVar

import pluggy

from tipi_core import hookspecs
from tipi_core.components.permanence import Held
from tipi_core.components.process import Outcome
from tipi_core.errors import PluginError, TipiError
from tipi_core.plugins.finding import Selection, find_plugins
from tipi_core.plugins.loading import PREFIX, LoadedPlugin, describe, hook_mistakes, load_plugin
from tipi_core.registry import Registry

if TYPE_CHECKING:
    from tipi_core.components.process import BoundProcess
    from tipi_core.config.model import ComponentSpec
    from tipi_core.controller import PipelineController
    from tipi_core.devices.backend import DeviceBackend
    from tipi_core.devices.info import DeviceInfo
    from tipi_core.metrics.tracker import Tracker
    from tipi_core.progress.renderer import ProgressRenderer
    from tipi_core.run import Run

T = TypeVar("T")
Callback = Callable[..., Any]

MOST_FAILURES = 3
CORE = "core"
PERMANENCE = "permanence "
MARK = "tipi_impl"


class PluginHost:
    """The plugins of one run, or of one command.

    Make one with :meth:`load`; there is no global host. Hooks that observe are called one by one, each guarded: a
    failure is logged once with its traceback and the plugin is left out of that hook after three. Hooks that
    provide raise: the user's own exceptions as they are, a plugin's as :class:`PluginError`.

    Example:
        >>> host = PluginHost.load(only=[])
        >>> host.plugins
        []
    """

    def __init__(self, plugins: Sequence[LoadedPlugin] = ()) -> None:
        self.plugins = list(plugins)
        self._manager = pluggy.PluginManager("tipi")
        self._manager.add_hookspecs(hookspecs)
        self._hooks = {name for name in dir(hookspecs) if name.startswith("tipi_")}
        self._failures: Counter[tuple[str, str]] = Counter()
        self._registry: Registry | None = None
        self._log = logging.getLogger("tipi")
        self._trace = os.environ.get("TIPI_TRACE") == "1"
        self.user_error: BaseException | None = None
        for loaded in self.plugins:
            if loaded.plugin is not None:
                self._register_loaded(loaded)

    @classmethod
    def load(cls, block: Iterable[str] = (), only: Iterable[str] | None = None) -> PluginHost:
        """Find all installed plugins and load those that are wanted, one by one.

        Args:
            block: Names of plugins to leave out, besides those of ``TIPI_BLOCK``.
            only: Names of the plugins to load; None takes ``TIPI_PLUGINS``, else all.
        """
        selection = Selection.from_environment(block, only)
        loaded: list[LoadedPlugin] = []
        taken = {CORE: "tipi itself"}
        for found in find_plugins():
            against = selection.reason_against(found.name)
            if against is not None and only is None:
                loaded.append(LoadedPlugin(found, "blocked", *against))
            elif against is None and found.name in taken:
                loaded.append(LoadedPlugin(found).fail(f"its name {found.name!r} is taken by {taken[found.name]}"))
            elif against is None:
                taken[found.name] = f"{found.package} {found.version}"
                loaded.append(load_plugin(found))
        return cls(loaded)

    def for_run(self) -> PluginHost:
        """Return the same plugins for one run: what the run registers is its own, also where several share a host."""
        mine = PluginHost()
        mine.plugins, mine._registry = self.plugins, self.registry
        for name, plugin in self._manager.list_name_plugin():
            mine.register(name, plugin)
        return mine

    @property
    def registry(self) -> Registry:
        """The types and resources that the plugins named; each is asked once, at the first look."""
        if self._registry is None:
            self._registry = Registry()
            for name, implementation in self._implementations("tipi_register"):
                view = self._registry.owned_by(name, getattr(implementation.plugin, "REQUIRES", {}))
                self._guard("tipi_register", name, implementation, {"registry": view}, self._fail)
        return self._registry

    def register(self, name: str, plugin: Any) -> None:
        """Register an object that implements hooks; the name must be free."""
        self._manager.register(plugin, name=name)

    def register_permanence(self, name: str, value: Any) -> bool:
        """Let a permanence answer hooks while it lives; return whether it implements any.

        A holder of its bound methods is registered: pluggy compares plugins with ``==``, which a permanence may
        define as it likes.

        Raises:
            PluginError: It marks a method as a hook that does not exist, or with arguments that the hook does not have.
        """
        owner = type(value)
        marked = [hook for hook in dir(owner) if hook.startswith(PREFIX) and hasattr(getattr(owner, hook), MARK)]
        if marked:
            holder = SimpleNamespace(**{hook: getattr(value, hook) for hook in marked})
            mistakes = self._try_register(f"{PERMANENCE}{name}", holder)
            if mistakes:
                raise PluginError(f"permanence {name!r} ({owner.__qualname__}): {mistakes}")
        return bool(marked)

    def unregister_permanence(self, name: str) -> None:
        """Take back :meth:`register_permanence`."""
        if self._manager.has_plugin(f"{PERMANENCE}{name}"):
            self._manager.unregister(name=f"{PERMANENCE}{name}")

    def implements(self, hook: str) -> bool:
        """Return whether any plugin implements a hook."""
        return bool(getattr(self._manager.hook, hook).get_hookimpls())

    def hooks_of(self, name: str) -> list[str]:
        """Return the hooks that the plugin of that name implements."""
        return sorted(hook for hook in self._hooks if any(name == owner for owner, _ in self._implementations(hook)))

    # One method for each hook.

    def run_started(self, run: Run) -> None:
        """Call ``tipi_run_started`` on every plugin."""
        self._observe("tipi_run_started", run=run)

    def create_permanence(self, controller: PipelineController, spec: ComponentSpec) -> Held:
        """Return what the first plugin that knows this permanence made."""
        held = self._provide("tipi_create_permanence", controller=controller, spec=spec)
        return self._checked("tipi_create_permanence", held, Held)

    def execute_process(self, controller: PipelineController, process: BoundProcess) -> Outcome:
        """Return what the first plugin that executes this process made of it."""
        instance = type(process.instance)
        outcome = self._provide(
            "tipi_execute_process", (instance.execute, instance.skip), controller=controller, process=process
        )
        return self._checked("tipi_execute_process", outcome, Outcome)

    def start_trackers(self, run: Run, settings: Mapping[str, Any]) -> list[Tracker]:
        """Return the trackers that the plugins started for these settings."""
        return self._observe("tipi_start_tracker", check=_check_tracker, run=run, settings=settings)

    def log(self, run: Run, records: Sequence[Mapping[str, Any]]) -> None:
        """Hand a batch of metric records to every observer."""
        self._observe("tipi_log", run=run, records=records)

    def create_progress(self, run: Run) -> ProgressRenderer | None:
        """Return the first renderer offered; None leaves the plain style."""
        found: list[ProgressRenderer] = self._observe("tipi_create_progress", first=True, run=run)
        return found[0] if found else None

    def list_devices(self) -> list[DeviceInfo]:
        """Return the devices of all kinds."""
        return [device for devices in self._observe("tipi_list_devices", check=_check_devices) for device in devices]

    def create_device_backend(self, run: Run) -> DeviceBackend | None:
        """Return the first tensor library offered."""
        backend: DeviceBackend | None = self._provide("tipi_create_device_backend", run=run)
        return backend

    def _register_loaded(self, loaded: LoadedPlugin) -> None:
        mistakes = self._try_register(loaded.found.name, loaded.plugin)
        if mistakes:
            loaded.fail(mistakes)

    def _try_register(self, name: str, plugin: Any) -> str | None:
        """Register a plugin and return None, or register nothing of it and return what is wrong with its hooks."""
        try:
            mistakes = hook_mistakes(plugin, self._hooks)
            if mistakes is None:
                self._manager.register(plugin, name=name)
            return mistakes
        except Exception as error:
            if self._manager.has_plugin(name):
                self._manager.unregister(name=name)
            return " ".join(str(error).split())

    def _fail(self, name: str, error: BaseException) -> None:
        """Mark the plugin as failed, because it could not name what it brings."""
        for loaded in self.plugins:
            if loaded.found.name == name and loaded.plugin is not None:
                self._manager.unregister(name=name)
                loaded.fail(f"tipi_register raised {describe(error)}")

    def _implementations(self, hook: str) -> Iterator[tuple[str, Any]]:
        """Yield plugin name and implementation in pluggy's calling order: last registered first."""
        for implementation in reversed(getattr(self._manager.hook, hook).get_hookimpls()):
            yield implementation.plugin_name, implementation

    def _observe(self, hook: str, first: bool = False, check: Callback | None = None, **arguments: Any) -> list[Any]:
        results: list[Any] = []
        for name, implementation in self._implementations(hook):
            if first and results:
                break
            if self._failures[hook, name] < MOST_FAILURES:
                result = self._guard(hook, name, implementation, arguments, check=check)
                if result is not None:
                    results.append(result)
        return results

    def _guard(
        self,
        hook: str,
        name: str,
        implementation: Any,
        arguments: Mapping[str, Any],
        failed: Callback | None = None,
        check: Callback | None = None,
    ) -> Any:
        self._say(hook, [name])
        try:
            result = implementation.function(*(arguments[argument] for argument in implementation.argnames))
            return result if result is None or check is None else check(result)
        except (Exception, SystemExit) as error:
            self._failures[hook, name] += 1
            if failed is not None:
                failed(name, error)
            elif self._failures[hook, name] == 1:
                what = f"{type(error).__name__}: {error}"
                self._log.warning("plugin %s failed in %s: %s", self._title(name), hook, what, exc_info=error)
            return None

    def _provide(self, hook: str, users: Sequence[Callback] = (), **arguments: Any) -> Any:
        """Call a hook whose first result counts; what ``users``, the user's own functions, raise stays as it is."""
        self._say(hook, [name for name, _ in self._implementations(hook)])
        try:
            return getattr(self._manager.hook, hook)(**arguments)
        except (Exception, SystemExit) as error:
            if isinstance(error, TipiError) or error is self.user_error:
                raise
            self._blame(hook, error, {getattr(function, "__code__", None) for function in users})
            raise

    def _checked(self, hook: str, result: Any, kind: type[T]) -> T:
        """Return what a provider answered, if it is what the hook asks for."""
        if isinstance(result, kind):
            return result
        names = [self._title(name) for name, _ in self._implementations(hook) if name != CORE]
        raise PluginError(
            f"{hook} was answered with {type(result).__name__}, not with {kind.__name__}",
            hint=f"by one of these: {', '.join(names)}",
        )

    def _blame(self, hook: str, error: BaseException, users: Collection[Any]) -> None:
        """Raise an error that names the plugin that raised, unless the user's code or a permanence did.

        The innermost implementation in the traceback is the one, if no function of the user's lies inside it.
        """
        code_of = {
            getattr(implementation.function, "__code__", None): name
            for name, implementation in self._implementations(hook)
        }
        culprit: str | None = "?"
        trace = error.__traceback__
        while trace is not None:
            code = trace.tb_frame.f_code
            culprit = None if code in users else code_of.get(code, culprit)
            trace = trace.tb_next
        if culprit is not None and not culprit.startswith(PERMANENCE):
            raise PluginError(
                f"plugin {self._title(culprit)} raised {type(error).__name__} in {hook}: {error}",
                hint=f"TIPI_BLOCK={culprit} runs without it",
            ) from error

    def _title(self, name: str) -> str:
        """Return a plugin's name with package and version, where it has them."""
        found = next((loaded.found for loaded in self.plugins if loaded.found.name == name), None)
        return f"{name!r} ({found.package} {found.version})" if found else repr(name)

    def _say(self, hook: str, names: list[str]) -> None:
        if self._trace:
            print(f"tipi: {hook} -> {', '.join(names) or 'nobody'}", file=sys.stderr)  # noqa: T201 - asked for by TIPI_TRACE


def _check_tracker(tracker: Tracker) -> Tracker:
    """Return it, if it has what the caller reads."""
    for name in ("name", "state", "explain", "close"):
        getattr(tracker, name)
    return tracker


def _check_devices(devices: Iterable[DeviceInfo]) -> list[DeviceInfo]:
    """Return them as a list, if they have what the caller reads."""
    return [device for device in devices if device.label]
