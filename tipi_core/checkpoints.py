"""Checkpoints: a state on disk that is either whole or not there, and that is verified when it is read.

A checkpoint is a folder ``checkpoints/step-XXXXXXXX`` in a run's record, with ``state.pt`` and ``manifest.json``. It is
written under a temporary name and renamed when everything in it is on disk.
"""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from tipi_core.errors import StorageError

if TYPE_CHECKING:
    from pathlib import Path

    from tipi_core.devices.backend import DeviceBackend

FORMAT = 1
LONGEST_MARK = 256  # bytes of a file that names a checkpoint


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint that was read and found whole."""

    path: Path
    step: int
    state: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Listed:
    """A checkpoint as its folder looks, without reading its state.

    Attributes:
        name: The folder's name.
        marks: The words that name it, such as ``best`` and ``last``.
        size: The bytes of its state, as they are on disk.
        problem: What is wrong with it at first sight, or None; whether its content is right shows when it is read.
    """

    name: str
    marks: tuple[str, ...]
    size: int
    problem: str | None


class HashingFile:
    """Passes writes on to a file and hashes them on the way.

    Example:
        >>> import io
        >>> file = HashingFile(io.BytesIO())
        >>> file.write(b"abc"), file.size, file.sha256()[:8]
        (3, 3, 'ba7816bf')
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self.size = 0
        self.failure: BaseException | None = None

    def write(self, data: bytes) -> int:
        """Write ``data`` and take it into the hash; a failure is kept, since libraries hide it behind their own."""
        try:
            self._hash.update(data)
            self.size += memoryview(data).nbytes
            return self._file.write(data)
        except BaseException as error:
            self.failure = error
            raise

    def flush(self) -> None:
        """Flush the file below."""
        self._file.flush()

    def sha256(self) -> str:
        """Return the hash of everything written so far, in hexadecimal digits."""
        return self._hash.hexdigest()


def save_checkpoint(record: Path, step: int, state: Mapping[str, Any], backend: DeviceBackend) -> Path:
    """Write a checkpoint of ``state`` into the record's folder and return its folder.

    Args:
        record: The run's folder.
        step: The step it belongs to; a checkpoint of the same step is replaced.
        state: Plain types and tensors; paths, numpy scalars and tensors of a subclass are made plain.
        backend: Writes the bytes.

    Raises:
        StorageError: It cannot be written; nothing of it is left behind.
        TypeError: Something in ``state`` is not plain; the message says where.

    Example:
        >>> save_checkpoint(record, 120, {"model": model.state_dict()}, backend)  # doctest: +SKIP
    """
    plain = plain_state(state, backend.plain)
    target = record / "checkpoints" / f"step-{step:08d}"
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        _write(draft, step, plain, backend)
        _put_in_place(draft, target)
    except BaseException as error:  # a second Ctrl-C too
        shutil.rmtree(draft, ignore_errors=True)
        if not isinstance(error, (OSError, RuntimeError)):
            raise
        hint = "make room, or put records elsewhere with TIPI_RUNS=FOLDER" if _is_full(error) else None
        what = f"the checkpoint was not written: {_reason(error, record)}"
        raise StorageError(what, where=str(target), hint=hint) from error
    return target


def list_checkpoints(record: Path) -> list[Path]:
    """Return the folders of a record's checkpoints, the newest step first; nothing in them is looked at."""
    return sorted((record / "checkpoints").glob("step-*"), reverse=True)


def survey_checkpoints(record: Path) -> list[Listed]:
    """Return how a record's checkpoints look, the oldest first."""
    marks: dict[str, list[str]] = {}
    for file in sorted((record / "checkpoints").glob("[!.]*")):
        if file.is_file() and file.stat().st_size < LONGEST_MARK:
            marks.setdefault(file.read_text(encoding="utf-8", errors="replace").strip(), []).append(file.name)
    return [_look_at(path, tuple(marks.get(path.name, ()))) for path in reversed(list_checkpoints(record))]


def _look_at(path: Path, marks: tuple[str, ...]) -> Listed:
    size = 0
    try:
        size = (path / "state.pt").stat().st_size
        wanted = json.loads((path / "manifest.json").read_text(encoding="utf-8"))["size"]
    except (OSError, ValueError, KeyError, TypeError):
        return Listed(path.name, marks, size, "damaged: a file is missing or no manifest")
    return Listed(path.name, marks, size, None if size == wanted else f"damaged: {size} of {wanted} bytes")


def read_checkpoint(path: Path, backend: DeviceBackend) -> Checkpoint:
    """Read one checkpoint after verifying it.

    Raises:
        StorageError: It is damaged; the message names it and says how.
    """
    try:
        manifest = json.loads((path / "manifest.json").read_text(encoding="utf-8"))
        with (path / "state.pt").open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            if digest != manifest["sha256"]:
                raise ValueError("its content is not what was written")
            file.seek(0)
            return Checkpoint(path, int(manifest["step"]), backend.load(file))
    except Exception as error:
        raise StorageError(f"the checkpoint is damaged: {error}", where=str(path)) from error


def load_checkpoint(record: Path, backend: DeviceBackend, name: str | None = None) -> Checkpoint | None:
    """Return the newest checkpoint that is whole, or None; a damaged one is named in the log and passed over.

    Args:
        record: The run's folder.
        backend: Reads the bytes.
        name: The folder's name of the one to read, such as ``step-00000120``; no other is read then.

    Example:
        >>> load_checkpoint(record, backend).step  # doctest: +SKIP
        120
    """
    for path in list_checkpoints(record) if name is None else [record / "checkpoints" / name]:
        try:
            return read_checkpoint(path, backend)
        except StorageError as error:
            cure = "taking the one before it" if name is None else "it is not used"
            logging.getLogger("tipi").warning("%s; %s", error, cure)
    return None


def plain_state(value: Any, tensor: Callable[[Any], Any] = lambda tensor: tensor, where: str = "state") -> Any:
    """Return ``value`` as exact built-in types and tensors, which is all that a safe reader accepts.

    Args:
        value: The state.
        tensor: Returns a tensor as a safe reader accepts it, or raises TypeError.
        where: How to name the place of a mistake.

    Raises:
        TypeError: Something in it is neither; the message says where.

    Example:
        >>> plain_state({"names": ["a"], "pair": (1, 2.0)})
        {'names': ['a'], 'pair': (1, 2.0)}
    """
    if isinstance(value, Mapping):
        return {_plain_key(key, where): plain_state(item, tensor, f"{where}[{key!r}]") for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        items = [plain_state(item, tensor, f"{where}[{index}]") for index, item in enumerate(value)]
        return items if isinstance(value, list) else tuple(items)
    if not hasattr(value, "detach"):
        return _plain_leaf(value, where)
    try:
        return tensor(value)
    except TypeError as error:
        raise TypeError(f"{where} {error}") from None


def _is_full(error: Exception) -> bool:
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def _reason(error: Exception, folder: Path) -> str:
    """Return why nothing could be written; of a full disk how much of it is free."""
    if not _is_full(error):
        return str(error)
    try:
        free = f", {shutil.disk_usage(folder).free / 1e6:.1f} MB are free"
    except OSError:
        free = ""
    return f"{os.strerror(cast('OSError', error).errno or 0).lower()}{free}"


def _plain_leaf(value: Any, where: str) -> Any:
    if value is None or isinstance(value, (bool, bytes)):
        return value
    if isinstance(value, (int, float, str)):  # a subclass, such as a TOML library's, would not be read back
        return int(value) if isinstance(value, int) else float(value) if isinstance(value, float) else str(value)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if hasattr(value, "item") and getattr(value, "shape", None) == ():
        return value.item()
    raise TypeError(f"{where} is a {type(value).__name__}; a checkpoint holds numbers, texts, lists, dicts and tensors")


def _plain_key(key: Any, where: str) -> str | int:
    if isinstance(key, (str, int)):
        return str(key) if isinstance(key, str) else int(key)
    raise TypeError(f"{where} has the key {key!r}; keys are texts or integers")


def _write(draft: Path, step: int, state: dict[str, Any], backend: DeviceBackend) -> None:
    with (draft / "state.pt").open("wb") as file:
        hashing = HashingFile(file)
        try:
            backend.save(state, cast("BinaryIO", hashing))
        except RuntimeError as error:  # what torch makes of a full disk, and of a Ctrl-C while it writes
            raise hashing.failure or error from None
        _sync(file)
    manifest = {"format": FORMAT, "step": step, "sha256": hashing.sha256(), "size": hashing.size}
    with (draft / "manifest.json").open("wb") as file:
        file.write(json.dumps(manifest, indent=1).encode() + b"\n")
        _sync(file)


def _put_in_place(draft: Path, target: Path) -> None:
    aside = draft.with_name(f"{draft.name}.old")
    try:
        if target.exists():
            target.rename(aside)
        draft.rename(target)
    finally:
        if aside.exists() and not target.exists():
            aside.rename(target)
    _sync_folder(target.parent)
    shutil.rmtree(aside, ignore_errors=True)


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
