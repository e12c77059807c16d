"""Batches on their way to a device: nested containers of tensors, and copies ahead of the loop."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import copy
from dataclasses import fields, is_dataclass
from typing import Any

import torch

_END = object()


def change_parts(value: Any, change: Callable[[Any], Any]) -> Any:
    """Return ``value`` with every tensor, and what else has a method ``to``, changed; containers keep their kind.

    Example:
        >>> change_parts({"a": (torch.ones(1), "b")}, lambda tensor: tensor + 1)
        {'a': (tensor([2.]), 'b')}
    """
    if isinstance(value, type):
        return value
    if hasattr(value, "to"):
        return change(value)
    if isinstance(value, Mapping):
        return _rebuild_mapping(value, {key: change_parts(item, change) for key, item in value.items()})
    if isinstance(value, (list, tuple)):
        return _rebuild_sequence(value, [change_parts(item, change) for item in value])
    if is_dataclass(value):
        return _rebuild_dataclass(value, change)
    return value


class Moved:
    """The batches of a loader, each moved when it is asked for; for the rest it is the loader, its length included.

    Example:
        >>> list(Moved([1, 2], lambda batch: batch * 10))
        [10, 20]
    """

    def __init__(self, loader: Iterable[Any], move: Callable[[Any], Any]) -> None:
        self.loader = loader
        self.move = move

    def __len__(self) -> int:
        return len(self.loader)  # type: ignore[arg-type]  # a loader without a length says so itself

    def __iter__(self) -> Iterator[Any]:
        return map(self.move, self.loader)

    def __getattr__(self, name: str) -> Any:
        if name == "loader":  # a copy that is not filled yet
            raise AttributeError(name)
        return getattr(self.loader, name)


class Prefetch(Moved):
    """The batches of a loader on a GPU: the next one is copied, on a stream of its own, while the last is computed on.

    Example:
        >>> for inputs, targets in Prefetch(loader, torch.device("cuda", 0)):  # doctest: +SKIP
        ...     ...
    """

    def __init__(self, loader: Iterable[Any], device: torch.device) -> None:
        super().__init__(loader, self._copy)
        self.device = device
        self.library = getattr(torch, device.type)  # torch.cuda, or torch.xpu, which has the same calls

    def __iter__(self) -> Iterator[Any]:
        stream = self.library.Stream(self.device)
        return ahead(self.loader, lambda batch: self._start(batch, stream), lambda batch: self._finish(batch, stream))

    def _start(self, batch: Any, stream: Any) -> Any:
        with self.library.stream(stream):
            return self.move(batch)

    def _finish(self, batch: Any, stream: Any) -> Any:
        current = self.library.current_stream(self.device)
        current.wait_stream(stream)

        def record(item: Any) -> Any:
            if isinstance(item, torch.Tensor):
                item.record_stream(current)  # its memory was taken on the other stream
            return item

        return change_parts(batch, record)

    def _copy(self, batch: Any) -> Any:
        return change_parts(batch, self._copy_tensor)

    def _copy_tensor(self, item: Any) -> Any:
        if not isinstance(item, torch.Tensor):
            return item.to(self.device)
        if item.device.type == "cpu" and not item.is_pinned():
            item = item.pin_memory()
        return item.to(self.device, non_blocking=True)


def ahead(items: Iterable[Any], start: Callable[[Any], Any], finish: Callable[[Any], Any]) -> Iterator[Any]:
    """Yield ``finish(start(item))`` of every item, the next one started before the last is handed out.

    An error of the source comes after the items that came before it.

    Example:
        >>> list(ahead([1, 2], str, len))
        [1, 1]
    """
    iterator = iter(items)
    item = next(iterator, _END)
    started = None if item is _END else start(item)
    while item is not _END:
        finished, failure = finish(started), None
        try:
            item = next(iterator, _END)
            started = None if item is _END else start(item)
        except Exception as error:
            failure = error
        yield finished
        if failure is not None:
            raise failure


def _rebuild_dataclass(value: Any, change: Callable[[Any], Any]) -> Any:
    """Return a copy with the fields changed; neither ``__init__`` nor ``__post_init__`` runs again."""
    changed = copy(value)
    for field in fields(value):
        if hasattr(value, field.name):
            object.__setattr__(changed, field.name, change_parts(getattr(value, field.name), change))
    return changed


def _rebuild_mapping(value: Mapping[Any, Any], items: dict[Any, Any]) -> Any:
    """Return a copy with the values changed; the kind stays, with what else it carries, where it can be filled."""
    if type(value) is dict:
        return items
    try:
        changed: Any = copy(value)
        for key, item in items.items():
            changed[key] = item
    except TypeError:  # one that is only to be read
        return items
    return changed


def _rebuild_sequence(value: list[Any] | tuple[Any, ...], items: list[Any]) -> Any:
    """Return a copy with the items changed and the kind kept; a tuple of which nothing changes is returned itself."""
    if isinstance(value, list):
        if type(value) is list:
            return items
        changed = copy(value)
        changed[:] = items
        return changed
    if all(item is before for item, before in zip(items, value, strict=True)):
        return value
    try:
        return tuple.__new__(type(value), items)  # named tuples and others may have constructors of their own
    except TypeError:  # what torch itself returns
        return type(value)(items)
