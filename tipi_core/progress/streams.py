"""Prints on the terminal of a live region are let through above it, and a question waits for its answer without it.

The streams stay the objects that they are: only their ``write`` is shadowed while bars are open, so that logging
handlers and everybody else who kept a stream takes part.
"""

from __future__ import annotations

import builtins
import os
import sys
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from types import ModuleType
from typing import Any

_MISSING = object()


class Guard:
    """One stream whose ``write`` goes through ``passing`` until :meth:`remove`.

    Args:
        stream: The stream to guard.
        passing: Called with the text, the stream's real ``write`` and its ``flush``; returns what ``write`` returns.
    """

    def __init__(self, stream: Any, passing: Callable[[str, Callable[[str], Any], Callable[[], Any]], Any]) -> None:
        self.stream = stream
        self.real_write = stream.write
        self.real_flush = getattr(stream, "flush", lambda: None)
        self._passing = passing
        self._active = True
        self._before = {name: vars(stream).get(name, _MISSING) for name in ("write", "writelines")}
        stream.write, stream.writelines = self.write, self.writelines

    def write(self, text: str) -> Any:
        """Write as the stream would, above the bars."""
        if self._active and text.__class__ is str:
            return self._passing(text, self.real_write, self.real_flush)
        return self.real_write(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write all lines as the stream would, above the bars."""
        self.write("".join(lines))

    def remove(self) -> None:
        """Make the stream what it was; one that somebody else shadowed meanwhile stays theirs."""
        self._active = False
        for name, before in self._before.items():
            if vars(self.stream).get(name) != getattr(self, name):
                continue
            if before is _MISSING:
                delattr(self.stream, name)
            else:
                setattr(self.stream, name, before)


class Question:
    """A function of a module that talks to the terminal by itself: the bars are off the screen while it runs.

    Args:
        module: The module.
        name: The function's name in it.
        aside: Makes room while its block runs.
    """

    def __init__(self, module: ModuleType, name: str, aside: Callable[[], AbstractContextManager[None]]) -> None:
        self._module, self._name, self._aside = module, name, aside
        self._real = getattr(module, name)
        setattr(module, name, self.ask)

    def ask(self, *args: Any, **kwargs: Any) -> Any:
        """Do what the real one does."""
        with self._aside():
            return self._real(*args, **kwargs)

    def remove(self) -> None:
        """Put the real one back, unless somebody else has replaced it meanwhile."""
        if getattr(self._module, self._name) == self.ask:
            setattr(self._module, self._name, self._real)


def guard_questions(aside: Callable[[], AbstractContextManager[None]]) -> list[Question]:
    """Guard ``input`` (with it the debugger's prompt), ``os.system``, and ``getpass`` where it was imported."""
    known = [(builtins, "input"), (os, "system"), (sys.modules.get("getpass"), "getpass")]
    return [Question(module, name, aside) for module, name in known if module is not None]


def unwrapped(stream: Any) -> Any:
    """Return the stream behind the one that Rich puts in its place while one of its own displays is live."""
    return getattr(stream, "rich_proxied_file", stream)


def device_of(stream: Any) -> int | None:
    """Return which device ``stream`` is, None for what is no file; 0 is no device."""
    try:
        return os.fstat(stream.fileno()).st_rdev
    except (OSError, ValueError, AttributeError):
        return None


def guard_terminal(stream: Any, passing: Callable[[str, Callable[[str], Any], Callable[[], Any]], Any]) -> list[Guard]:
    """Guard ``stream``, a terminal, and those of the standard streams that are the same one."""
    guards: list[Guard] = []
    device = device_of(stream)
    standard = (sys.stderr, sys.stdout, sys.__stderr__, sys.__stdout__)
    streams = {id(each): each for each in (stream, *map(unwrapped, standard))}
    for candidate in streams.values():
        if candidate is None or not (candidate is stream or (device and device_of(candidate) == device)):
            continue
        if type(candidate).__setattr__ is not object.__setattr__:
            continue  # it would hand our ``write`` on to the stream inside it, which is guarded by itself
        try:
            guards.append(Guard(candidate, passing))
        except (AttributeError, TypeError):
            continue  # a stream that cannot be shadowed keeps writing by itself
    return guards
