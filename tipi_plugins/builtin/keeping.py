"""What training keeps: the best weights in memory, the best and the last checkpoint in the run's record."""

from __future__ import annotations

import logging
import math
import os
import shutil
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from tipi.plugin import GuardStop, StorageError, load_checkpoint, plain_state, save_checkpoint

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

    from tipi.plugin import DeviceBackend, Run

LOG = logging.getLogger("tipi")
APART = 5.0  # seconds: what a kill may cost, and the least time between two checkpoints of short epochs
LARGEST = 2**28  # bytes of a state that may be copied; a larger one is written at once, and epochs with it are long


class BestWeights:
    """Remembers a model's weights at its best score; without scores, the last ones stay.

    Args:
        model: The model.
        monitor: What the score is, for messages.
        mode: ``min`` where less is better, ``max`` where more is.
        min_delta: By how much a score must be better to count.

    Attributes:
        epoch: The best epoch so far.
        waited: Epochs since then.
    """

    def __init__(self, model: nn.Module, monitor: str, mode: str = "min", min_delta: float = 0.0) -> None:
        self.model = model
        self.monitor = monitor
        self.epoch = 0
        self.waited = 0
        self._sign = -1.0 if mode == "max" else 1.0
        self._delta = min_delta
        self._score = math.inf
        self._state: dict[str, Tensor] | None = None

    def offer(self, epoch: int, score: float | None) -> bool:
        """Take the model as it is now if ``score`` is the best so far; return whether it is.

        Raises:
            GuardStop: The score is not finite and none was before: no epoch can be chosen by it.
        """
        if score is None:
            self.epoch = epoch
            return True
        if not math.isfinite(score):
            self._lost(epoch, score)
            self.waited += 1
            return False
        if self._sign * score >= self._score - self._delta:
            self.waited += 1
            return False
        self.epoch, self.waited, self._score = epoch, 0, self._sign * score
        self._state = {name: value.detach().clone() for name, value in self.model.state_dict().items()}
        return True

    def _lost(self, epoch: int, score: float) -> None:
        what = f"{self.monitor} of epoch {epoch} is {score}"
        if not self.epoch:
            raise GuardStop(
                f"{what}, and no epoch can be chosen by it",
                hint='look for NaN in the validation data, lower learning_rate, or set monitor = "train/loss"',
            )
        LOG.warning("%s; the best epoch is still %d", what, self.epoch)

    def restore(self) -> None:
        """Put the best weights back into the model."""
        if self._state is not None:
            self.model.load_state_dict(self._state)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A checkpoint that is still to be written: a copy of the state, and the step at which it was taken."""

    step: int
    state: dict[str, Any]
    is_best: bool


class Keeper:
    """Writes the checkpoints of one training into the run's record and keeps the best and the last of them.

    Where epochs follow each other fast, the newest states wait as copies in memory and are written every
    :data:`APART` seconds by a thread, and in any case when the ``with`` block ends. Where the run has no record,
    nothing is written. A save that fails is said, the old one kept, and tried again; if the last one failed, the
    block's end raises.

    Args:
        run: The run.

    Attributes:
        last: The folder of the newest whole checkpoint, or None.
        best: The folder of the best one, or None.

    Example:
        >>> with Keeper(run) as keeper:  # doctest: +SKIP
        ...     keeper.save({"model": model.state_dict()}, is_best=True)
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.last: Path | None = None
        self.best: Path | None = None
        self._waiting: list[Waiting] = []
        self._failure: StorageError | None = None
        self._lock = threading.RLock()
        self._timer: threading.Timer | None = None
        self._written = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Write what waits.

        Raises:
            StorageError: The last checkpoint could not be written, and nothing else went wrong before.
        """
        self.flush()
        if self._failure is not None and error is None:
            raise self._failure

    def save(self, state: dict[str, Any], is_best: bool) -> None:
        """Take a state in, and write it if none was written for a while or it is too large to be copied.

        Raises:
            TypeError: Something in it cannot be saved; the message says where.
        """
        backend = backend_of(self.run)
        if self.run.open_record() is None or backend is None:
            return
        plain = plain_state(state, backend.plain)
        waits = size_of(plain) <= LARGEST
        new = Waiting(self.run.step, copy_of(plain) if waits else plain, is_best)
        with self._lock:
            self._waiting = [one for one in self._waiting if one.is_best and not is_best] + [new]
            if not waits or time.monotonic() - self._written >= APART:
                self.flush()
            if waits and self._waiting:
                self._wake()
            else:  # what failed and may change under our hands cannot be tried again
                self._waiting = [one for one in self._waiting if one is not new]

    def flush(self) -> None:
        """Write what waits; a failure is said, and what failed waits on."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            self._written = time.monotonic()
            while self._waiting and self._write(self._waiting[0]):
                del self._waiting[0]

    def _wake(self) -> None:
        if self._timer is None:
            self._timer = threading.Timer(self._written + APART - time.monotonic(), self.flush)
            self._timer.daemon = True
            self._timer.start()

    def _write(self, one: Waiting) -> bool:
        record, backend = self.run.open_record(), backend_of(self.run)
        if record is None or backend is None:
            return True
        try:
            saved = save_checkpoint(record.path, one.step, one.state, backend)
            best = saved if one.is_best or self.best is None else self.best
            _mark(saved.parent, {"last": saved, "best": best})
        except StorageError as error:
            self._failure = error
            LOG.warning("%s; the one before it is kept", error)
            return False
        before = {self.last, self.best}
        self.last, self.best, self._failure = saved, best, None
        for path in before - {saved, best, None}:
            shutil.rmtree(str(path), ignore_errors=True)
        self.run.event("checkpoint", path=f"checkpoints/{saved.name}", best=one.is_best)
        return True


def size_of(state: Any) -> int:
    """Return the bytes of all tensors in a plain state."""
    if isinstance(state, Tensor):
        return state.numel() * state.element_size()
    parts = state.values() if isinstance(state, dict) else state if isinstance(state, (list, tuple)) else ()
    return sum(map(size_of, parts))


def copy_of(state: Any) -> Any:
    """Return a plain state whose tensors are copies on the CPU; what was one tensor under two names still is.

    Example:
        >>> weight = torch.ones(2)
        >>> copied = copy_of({"in": weight, "out": weight})
        >>> copied["in"] is copied["out"], copied["in"] is weight
        (True, False)
    """
    copies: dict[Any, Tensor] = {}

    def copy(tensor: Tensor) -> Tensor:
        if tensor.layout is not torch.strided or tensor.is_meta:
            return tensor.clone()
        key = (tensor.device, tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.dtype, type(tensor))
        if key not in copies:
            copied = tensor.detach().to("cpu", copy=True)
            copies[key] = nn.Parameter(copied, tensor.requires_grad) if isinstance(tensor, nn.Parameter) else copied
        return copies[key]

    return plain_state(state, copy)


def load_best(run: Run) -> tuple[str, dict[str, Any]] | None:
    """Return name and state of the run's best checkpoint, or None where it has none that is whole."""
    return None if run.record is None else read_best(run.record.path, backend_of(run))


def read_best(
    record: Path, backend: DeviceBackend | None, name: str | None = None
) -> tuple[str, dict[str, Any]] | None:
    """Return name and state of a record's best checkpoint, or of the one that is named; None where it is not whole."""
    mark = record / "checkpoints" / "best"
    if backend is None or (name is None and not mark.is_file()):
        return None
    name = name or mark.read_text(encoding="utf-8").strip()
    checkpoint = load_checkpoint(record, backend, name)
    return None if checkpoint is None else (name, checkpoint.state)


def backend_of(run: Run) -> DeviceBackend | None:
    """Return the library that writes and reads the bytes of checkpoints."""
    return run.host.create_device_backend(run)


def _mark(folder: Path, marks: dict[str, Path]) -> None:
    """Write, beside the checkpoints, which of them is meant by a word."""
    try:
        for word, path in marks.items():
            draft = folder / f".{word}.{os.getpid()}"
            draft.write_text(f"{path.name}\n", encoding="utf-8")
            draft.replace(folder / word)
    except OSError as error:
        raise StorageError(f"the checkpoint was not marked: {error}", where=str(folder)) from error
