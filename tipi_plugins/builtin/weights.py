"""Weights that a model starts from: a file's, or those of a run's checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

import torch

from tipi.plugin import ConfigError, StorageError, current_run, read_checkpoint
from tipi_plugins.builtin.keeping import backend_of
from tipi_plugins.builtin.packages import import_package

if TYPE_CHECKING:
    from torch import nn

    from tipi.plugin import DeviceBackend

MOST_NAMED = 3  # what a message lists of each kind


def load_weights(model: nn.Module, file: Path, name: str) -> None:
    """Fill a model from a file with its ``state_dict``, which is read as data: no code in it is executed.

    A ``state_dict`` under the name ``model`` or ``state_dict`` is found, and names that all begin with what a wrapper
    puts before them (``module.``, ``model.``) lose it where they fit the model then.

    Raises:
        ConfigError: The file is not there, cannot be read, is no ``state_dict``, or does not fit the model.
        MissingPackage: It is a safetensors file, and that package is not installed.
    """
    state = _read_weights(file)
    for key in ("model", "state_dict"):
        inner = state.get(key) if isinstance(state, Mapping) else None
        state = inner if isinstance(inner, Mapping) else state
    if not isinstance(state, Mapping) or not all(isinstance(key, str) for key in state):
        raise ConfigError(f"{file} holds a {type(state).__name__}, no weights", hint="save model.state_dict() there")
    state = _unwrapped(state, model.state_dict())
    try:
        model.load_state_dict(state)
    except (RuntimeError, TypeError, AttributeError) as error:
        what = f"the weights in {file} do not fit model {name!r}: {describe_misfit(state, model.state_dict())}"
        raise ConfigError(what) from error


def describe_misfit(state: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    """Return how a ``state_dict`` differs from the one that is wanted: in shapes and names.

    Example:
        >>> describe_misfit({"a": torch.zeros(3), "c": torch.zeros(1)}, {"a": torch.zeros(2), "b": torch.zeros(1)})
        'a is (3,) there and (2,) in the model; missing: b; unknown: c'
    """
    shapes = {key: tuple(getattr(state[key], "shape", ())) for key in wanted if key in state}
    wrong = {key: shape for key, shape in shapes.items() if shape != tuple(wanted[key].shape)}
    parts = [f"{key} is {shape} there and {tuple(wanted[key].shape)} in the model" for key, shape in wrong.items()]
    listed = [*parts[:MOST_NAMED], *([f"{len(parts) - MOST_NAMED} more of other shapes"] if parts[MOST_NAMED:] else [])]
    missing, unknown = [key for key in wanted if key not in state], [key for key in state if key not in wanted]
    listed += [f"{what}: {_shorten(keys)}" for what, keys in (("missing", missing), ("unknown", unknown)) if keys]
    return "; ".join(listed)


def _shorten(keys: Sequence[str]) -> str:
    more = f" and {len(keys) - MOST_NAMED} more" if len(keys) > MOST_NAMED else ""
    return ", ".join(keys[:MOST_NAMED]) + more


def _unwrapped(state: Mapping[str, Any], wanted: Mapping[str, Any]) -> Mapping[str, Any]:
    first, known = next(iter(state), ""), next(iter(wanted), "")
    before = first.removesuffix(known)
    bare = {key.removeprefix(before): value for key, value in state.items()}
    return bare if before.endswith(".") and bare.keys() == wanted.keys() else state


def _reader_of(file: Path) -> Callable[[Path], Any]:
    """Return what reads such a file; not every version of ``torch.load`` knows safetensors."""
    if file.suffix == ".safetensors":
        load: Callable[[Path], Any] = import_package("safetensors.torch", f"the file {file.name}").load_file
        return load
    return partial(torch.load, map_location="cpu", weights_only=True)


def _read_weights(file: Path) -> Any:
    read = _reader_of(file)
    try:
        return read(file)
    except FileNotFoundError:
        raise ConfigError(f"there are no weights at {file}", hint="weights is relative to the project") from None
    except Exception as error:  # damaged files fail in many ways
        if isinstance(error, UnpicklingError) and "Unsupported global" in str(error):
            why = "it holds more than tensors, perhaps a whole model, and reading that could execute code"
        else:
            why = "it is empty, damaged, or no file of torch.save"
        raise ConfigError(f"the weights in {file} are not read: {why}", hint="save model.state_dict() there") from error


def load_checkpointed(model: nn.Module, place: Path, name: str) -> None:
    """Fill a model from a checkpoint: the best one of a run's folder, the one whose folder or mark is named.

    Raises:
        ConfigError: There is none, it is damaged, or it does not fit the model; no other is taken in its place.
    """
    path, backend = _find_checkpoint(place), backend_of(current_run())
    if backend is None:
        raise ConfigError("no plugin here reads checkpoints", hint="tipi plugins tells why")
    try:
        state = read_checkpoint(path, backend).state
    except StorageError as error:
        raise ConfigError(error.what, where=error.where, hint=_name_whole(path, backend)) from None
    weights = state.get("model", {})
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        misfit = describe_misfit(weights, model.state_dict())
        raise ConfigError(f"the checkpoint {path} does not fit model {name!r}: {misfit}") from error


def _find_checkpoint(place: Path) -> Path:
    is_mark = place.is_file() and place.parent.name == "checkpoints"
    mark = place if is_mark else place / "checkpoints" / "best"
    if mark.is_file():
        return mark.with_name(Path(mark.read_text(encoding="utf-8").strip()).name)
    if place.is_dir() and (place.parent.name == "checkpoints" or (place / "manifest.json").is_file()):
        return place
    hint = "checkpoint names a run's folder, or that of a checkpoint"
    raise ConfigError(f"there is no checkpoint at {place}", hint=f"{hint}; a file with weights goes to weights")


def _name_whole(damaged: Path, backend: DeviceBackend) -> str:
    """Return which of the checkpoints beside a damaged one is whole, the newest."""
    for path in sorted(damaged.parent.glob("step-*"), reverse=True):
        if path.name != damaged.name:
            with suppress(StorageError):
                epoch = read_checkpoint(path, backend).state.get("epoch")
                return f"{path} is whole{f', of epoch {epoch}' if epoch else ''}: name it with checkpoint"
    return "no other checkpoint beside it is whole"
