"""Streams that behave as another stream does, but for one method."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Wrapped:
    """Everything of another object, attributes set and read there."""

    def __init__(self, inner: Any) -> None:
        object.__setattr__(self, "_inner", inner)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._inner, name, value)

    def __eq__(self, other: object) -> bool:
        return bool(self._inner == getattr(other, "_inner", other))

    def __hash__(self) -> int:
        return hash(self._inner)


class ByteWriter(Wrapped):
    """A binary file that takes text."""

    def __init__(self, inner: Any, encoding: str) -> None:
        super().__init__(inner)
        object.__setattr__(self, "encoding", encoding)

    def write(self, text: str) -> Any:
        """Write encoded text."""
        return self._inner.write(text.encode(self.encoding))


def wrap_method(report: Callable[[int], Any], stream: Any, method: str) -> Any:
    """Return ``stream`` with ``read`` or ``write`` telling ``report`` how much it moved.

    Raises:
        KeyError: Another method.
    """
    if method not in ("read", "write"):
        raise KeyError("Can only wrap read/write methods")
    wrapped = Wrapped(stream)
    call = getattr(stream, method)

    def read(*args: Any, **kwargs: Any) -> Any:
        data = call(*args, **kwargs)
        report(len(data))
        return data

    def write(data: Any, *args: Any, **kwargs: Any) -> Any:
        result = call(data, *args, **kwargs)
        report(len(data))
        return result

    object.__setattr__(wrapped, method, read if method == "read" else write)
    return wrapped


def line_printer(file: Any) -> Callable[[str], None]:
    """Return a function that writes a line over the one it wrote before."""
    written = 0

    def show(text: str) -> None:
        nonlocal written
        from tipi_core.progress.meter import meter_width

        width = meter_width(text)
        file.write("\r" + text + " " * max(written - width, 0))
        flush(file)
        written = width

    return show


def flush(stream: Any) -> None:
    """Flush a stream that may not have ``flush``, or be closed."""
    try:
        stream.flush()
    except (AttributeError, ValueError, OSError):
        return
