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
from typing import Any, TypeAlias

Passing: TypeAlias = Callable[[str, Callable[[str], Any], Callable[[], Any]], Any]

_MISSING = object()


class Guard:
    """One stream whose ``write`` goes through ``passing`` until :meth:`remove`.

    Args:
        stream: The stream to guard.
        passing: Called with the text, the stream's real ``write`` and its ``flush``; returns what ``write`` returns.
    """

    def __init__(self, stream: Any, passing: Passing) -> None:
        set_attribute: object = type(stream).__setattr__
        if set_attribute is not object.__setattr__:
            raise TypeError("it would hand our methods on to the stream inside it, which is guarded by itself")
        self.stream = stream
        self.real_write = stream.write
        self.real_flush = getattr(stream, "flush", lambda: None)
        self._passing = passing
        self._active = True
        own = vars(stream)
        self._before = own.get("write", _MISSING), own.get("writelines", _MISSING)
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
        before_write, before_writelines = self._before
        self._restore("write", self.write, before_write)
        self._restore("writelines", self.writelines, before_writelines)

    def _restore(self, name: str, ours: object, before: object) -> None:
        own = vars(self.stream)
        if own.get(name) != ours:
            return
        if before is _MISSING:
            delattr(self.stream, name)
        else:
            setattr(self.stream, name, before)


class Question:
    """A function that talks to the terminal or the notebook by itself, and the bars make room for it.

    Args:
        module: The module, or another object, that has it.
        name: The function's name in it.
        aside: Makes room around its block.
    """

    def __init__(self, module: Any, name: str, aside: Callable[[], AbstractContextManager[None]]) -> None:
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


def is_terminal(file: Any) -> bool:
    """Return whether ``file`` is a terminal; without a working ``isatty`` it is none."""
    try:
        return bool(file.isatty())
    except (AttributeError, ValueError, OSError):
        return False


def device_of(stream: Any) -> int | None:
    """Return which device ``stream`` is, None for what is no file; 0 is no device."""
    try:
        return os.fstat(stream.fileno()).st_rdev
    except (OSError, ValueError, AttributeError):
        return None


def guard_terminal(stream: Any, device: int | None, passing: Passing) -> list[Guard]:
    """Guard ``stream``, a terminal, and those of the standard streams that are the same one.

    Args:
        stream: The stream that is drawn on.
        device: What :func:`device_of` says of it.
        passing: What the guards do with text.
    """
    guards: list[Guard] = []
    seen = {id(None)}
    for candidate in (stream, *map(unwrapped, (sys.stderr, sys.stdout, sys.__stderr__, sys.__stdout__))):
        if id(candidate) in seen:
            continue
        seen.add(id(candidate))
        if candidate is stream or (device and is_terminal(candidate) and device_of(candidate) == device):
            try:
                guards.append(Guard(candidate, passing))
            except (AttributeError, TypeError):  # a stream that cannot be shadowed keeps writing by itself
                continue
    return guards
