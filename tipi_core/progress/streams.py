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


class InputGuard:
    """The built-in ``input`` with the bars off the screen while it waits, for questions and the debugger's prompt.

    Args:
        aside: Makes room while its block runs.
    """

    def __init__(self, aside: Callable[[], AbstractContextManager[None]]) -> None:
        self._aside = aside
        self._real = builtins.input
        builtins.input = self.ask

    def ask(self, prompt: object = "", /) -> str:
        """Read a line, as the real one does."""
        with self._aside():
            return self._real(prompt)

    def remove(self) -> None:
        """Put the real one back, unless somebody else has replaced it meanwhile."""
        if builtins.input == self.ask:
            builtins.input = self._real


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
    streams = {id(each): each for each in (stream, sys.stderr, sys.stdout, sys.__stderr__, sys.__stdout__)}
    for candidate in streams.values():
        if candidate is None or not (candidate is stream or (device and device_of(candidate) == device)):
            continue
        try:
            guards.append(Guard(candidate, passing))
        except (AttributeError, TypeError):
            continue  # a stream that cannot be shadowed keeps writing by itself
    return guards
