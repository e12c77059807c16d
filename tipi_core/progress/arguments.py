"""What a bar's arguments mean, and their types for editors."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from typing import Any, TypedDict, TypeVar, cast

F = TypeVar("F", bound=Callable[..., None])
NUMBERS: dict[str, type] = {"total": float, "ncols": int, "miniters": float, "position": int, "nrows": int}


class BarOptions(TypedDict, total=False):
    """What :class:`tipi_core.progress.progress_bar` takes besides its iterable."""

    file: Any
    ncols: int | None
    mininterval: float
    maxinterval: float
    miniters: float | None
    ascii: bool | str | None
    disable: bool | None
    unit: str
    unit_scale: bool | float
    dynamic_ncols: bool
    smoothing: float
    bar_format: str | None
    initial: float
    position: int | None
    postfix: Any
    unit_divisor: float
    write_bytes: bool
    lock_args: tuple[Any, ...] | None
    nrows: int | None
    colour: str | None
    delay: float
    gui: bool


class ProgressKeyError(KeyError):
    """A keyword that no bar knows."""


def total_of(iterable: Any, total: float | None) -> float | None:
    """Return the total that was given, else the iterable's length; None for unknown or endless."""
    if total is None and iterable is not None:
        try:
            return len(iterable)
        except (TypeError, AttributeError, OverflowError):
            return None
    return None if total == float("inf") else total


def claims_terminal(file: Any) -> bool:
    """Return whether ``disable=None`` lets a bar be; a file without ``isatty`` counts as a terminal, as in tqdm."""
    return not hasattr(file, "isatty") or bool(file.isatty())


def environment_defaults(initialize: F) -> F:
    """Let variables such as ``TQDM_MININTERVAL`` be the defaults of keywords that a call leaves out.

    They are read once, when the class is made, as in tqdm; without any nothing is wrapped.
    """
    given = {name[5:].lower(): value for name, value in os.environ.items() if name.startswith("TQDM_")}
    code, defaults = initialize.__code__, initialize.__defaults__ or ()
    names = code.co_varnames[: code.co_argcount]
    outside: dict[str, Any] = {}
    for name, default in zip(names[-len(defaults) :], defaults, strict=True):
        if name in given:
            kind = NUMBERS.get(name, str) if default is None else type(default)
            outside[name] = kind(given[name])
    if not outside:
        return initialize

    @wraps(initialize)
    def with_defaults(self: Any, *args: Any, **kwargs: Any) -> None:
        given_by_place = names[1 : 1 + len(args)]
        missing = {name: value for name, value in outside.items() if name not in given_by_place}
        initialize(self, *args, **{**missing, **kwargs})

    return cast("F", with_defaults)


def writes_unicode(file: Any) -> bool:
    """Return whether the blocks of a bar can be written to ``file``."""
    try:
        "\u2588\u2589".encode(file.encoding)
    except (UnicodeEncodeError, AttributeError, TypeError, LookupError):
        return False
    return True


def unknown_keywords(kwargs: dict[str, Any]) -> Exception:
    """Return the error for keywords that no bar knows."""
    if "nested" in kwargs:
        return DeprecationWarning("`nested` is automatic; use `position` to place a bar by hand")
    return ProgressKeyError(f"Unknown argument(s): {kwargs}")


def byte_writer(file: Any) -> Any:
    """Return a binary ``file`` as one that takes text."""
    from tipi_core.progress.wrapping import ByteWriter

    return ByteWriter(file, getattr(file, "encoding", None) or "utf-8")
