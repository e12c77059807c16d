"""Loading one plugin: guarded against everything that an import can do, with cause and cure."""

from __future__ import annotations

import contextlib
import io
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from tipi_core.errors import did_you_mean
from tipi_core.plugins.finding import FoundPlugin

PREFIX = "tipi_"
WRAPPABLE = ("tipi_create_permanence", "tipi_execute_process", "tipi_create_device_backend")


@dataclass(slots=True)
class LoadedPlugin:
    """What became of a found plugin.

    Attributes:
        found: Name, package, version.
        status: ``ok``, ``incomplete`` (an optional package is missing), ``blocked`` or ``failed``.
        cause: Why the status is not ``ok``.
        cure: What to do about it.
        plugin: The plugin object, when it was loaded.
    """

    found: FoundPlugin
    status: str = "ok"
    cause: str | None = None
    cure: str | None = None
    plugin: Any = None

    def fail(self, cause: str, cure: str | None = None) -> LoadedPlugin:
        """Mark the plugin as failed and forget its object."""
        self.status, self.cause, self.plugin = "failed", cause, None
        self.cure = cure or f"update or remove {self.found.package}, or set TIPI_BLOCK={self.found.name}"
        return self


def load_plugin(found: FoundPlugin) -> LoadedPlugin:
    """Import a plugin; whatever its module does, the answer is a status and never an exception.

    What the module prints on stdout is kept off it, since stdout belongs to the command's answer. Beside a script that
    has threads it is not: exchanging ``sys.stdout`` while another thread prints can crash the interpreter.
    """
    loaded = LoadedPlugin(found)
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed) if threading.active_count() == 1 else contextlib.nullcontext():
            loaded.plugin = found.entry.load()
        missing = missing_packages(getattr(loaded.plugin, "REQUIRES", {}))
    except ModuleNotFoundError as error:
        return loaded.fail(str(error), _cure(error.name, found))
    except SystemExit as error:
        return loaded.fail(f"the module called sys.exit({error.code!r}) when imported")
    except Exception as error:
        return loaded.fail(describe(error))
    if printed.tell():
        loaded.cause = f"printed {printed.tell()} characters when imported; they were kept off stdout"
    if missing:
        loaded.status = "incomplete"
        loaded.cause = f"{', '.join(missing)} not installed"
        loaded.cure = " && ".join(dict.fromkeys(missing.values()))
    return loaded


def describe(error: BaseException) -> str:
    """Return an exception's type, message and place in one line."""
    place, trace = "", error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        place = place if file.startswith("<") else f" ({PurePath(file).name}:{trace.tb_lineno})"
        trace = trace.tb_next
    return " ".join(f"{type(error).__name__}: {error}{place}".split())


def _cure(module: str | None, found: FoundPlugin) -> str | None:
    """Return the pip command for a missing top-level module; a missing part of an installed one has another cure."""
    own = found.entry.module.partition(".")[0]
    return f"pip install {module}" if module and "." not in module and module != own else None


def missing_packages(requires: Mapping[str, str]) -> dict[str, str]:
    """Return those of a plugin's ``REQUIRES`` (module name to pip command) that are not installed.

    Raises:
        TypeError: It is no such mapping, or names a part of a module, which would have to be imported to be found.
    """
    pairs = requires.items() if isinstance(requires, Mapping) else [(requires, "")]
    if not all(isinstance(name, str) and "." not in name and isinstance(cure, str) for name, cure in pairs):
        raise TypeError("REQUIRES wants a dict of top-level module names and pip commands")
    return {name: cure for name, cure in requires.items() if not is_installed(name)}


def is_installed(module: str) -> bool:
    """Return whether a top-level module is there; a plain folder of that name, such as wandb writes, does not count."""
    from importlib.util import find_spec

    try:
        spec = find_spec(module)
    except (ImportError, ValueError):  # a finder that blocks it
        return False
    return spec is not None and spec.origin is not None


def hook_mistakes(plugin: Any, hooks: set[str]) -> str | None:
    """Return what is wrong with a plugin's hooks, or None: unknown names, no marker, a wrapper where none can be."""
    mistakes = []
    for name in dir(plugin):
        member = getattr(plugin, name, None) if name.startswith(PREFIX) else None
        if not callable(member):
            continue
        options = getattr(member, "tipi_impl", None)
        if name not in hooks:
            hint = did_you_mean(name, hooks)
            mistakes.append(f"unknown hook {name}" + (f" ({hint})" if hint else ""))
        elif options is None:
            mistakes.append(f"{name} lacks the decorator @hookimpl")
        elif (options["wrapper"] or options["hookwrapper"]) and name not in WRAPPABLE:
            mistakes.append(f"{name} cannot be wrapped (only {', '.join(WRAPPABLE)})")
    return "; ".join(mistakes) or None
