"""What a bar's arguments mean, and their types for editors."""

from __future__ import annotations

import os
from typing import Any, TypedDict


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


def disabled_outside() -> bool:
    """Return whether ``TQDM_DISABLE`` turns all bars off."""
    return bool(os.environ.get("TQDM_DISABLE"))


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
