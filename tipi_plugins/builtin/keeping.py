"""What training keeps: the best weights in memory, and checkpoints in the run's record."""

from __future__ import annotations

import logging
import math
import os
import shutil
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from tipi.plugin import GuardStop, StorageError, load_checkpoint, plain_state, save_checkpoint

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
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


@dataclass(eq=False, slots=True)
class Kept:
    """The checkpoint of one epoch: a state that is still to be written, or the folder that it is in, or what was lost.

    Attributes:
        step: The run's step.
        is_best: Whether it was the best when it was taken.
        is_finite: Whether weights and figures are all finite.
        state: What is to be written, or None: it was, or it could not be and was too large to be copied.
        path: Where it is, or None.
    """

    step: int
    is_best: bool
    is_finite: bool
    state: dict[str, Any] | None
    path: Path | None = None


class Keeper:
    """Writes the checkpoints of one training into the run's record: the last two stay, the best, the last finite one.

    Where epochs follow each other fast, the newest states wait as copies in memory and are written every
    :data:`APART` seconds by a thread, and in any case when the ``with`` block ends. Where the run has no record,
    nothing is written. A save that fails is said, the old ones kept, and tried again; if the last one failed, or one
    that has a mark, the block's end raises.

    Args:
        run: The run.
        usual: Parts of the model's state that are not finite on purpose, such as the mask of an attention.

    Example:
        >>> with Keeper(run) as keeper:  # doctest: +SKIP
        ...     keeper.save({"model": model.state_dict()}, is_best=True)
    """

    def __init__(self, run: Run, usual: Collection[str] = ()) -> None:
        self.run = run
        self.usual = usual
        self._kept: list[Kept] = []
        self._failure: StorageError | None = None
        self._lock = threading.RLock()
        self._timer: threading.Timer | None = None
        self._written = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Write what waits.

        Raises:
            StorageError: One that belongs to a mark could not be written, and nothing else went wrong before.
        """
        self.flush()
        marked = [*self._kept[-1:], *_best(self._kept), *_finite(self._kept)]
        if self._failure is not None and error is None and any(one.path is None for one in marked):
            raise self._failure

    @property
    def good(self) -> str:
        """Which of what was written can be gone back to, in words."""
        marks = self.marks
        if "finite" in marks:
            return f"the last good checkpoint is {marks['finite']}"
        return "no checkpoint has finite numbers only" if marks else "there is no checkpoint yet"

    @property
    def marks(self) -> dict[str, Path]:
        """The folders of what was written, by the word for each: ``last``, ``best``, ``finite``."""
        written = [one for one in self._kept if one.path is not None]
        found = {"last": written[-1:], "best": _best(written), "finite": _finite(written)}
        return {word: one.path for word, ones in found.items() for one in ones if one.path is not None}

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
        new = self._look_at(copy_of(plain) if waits else plain, is_best)
        with self._lock:
            self._kept.append(new)
            wanted = wanted_of(self._kept)
            self._kept = [one for one in self._kept if one.path is not None or one in wanted]
            if not waits or time.monotonic() - self._written >= APART:
                self.flush()
            if not waits:
                new.state = None  # if it failed: what may change under our hands cannot be tried again
            if self._waiting():
                self._wake()

    def flush(self) -> None:
        """Write what waits; a failure is said, and what failed waits on."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            self._written = time.monotonic()
            for one in reversed(self._waiting()):  # the newest may find the last room
                if one.state is not None and not self._write(one, one.state):
                    break

    def _waiting(self) -> list[Kept]:
        return [one for one in self._kept if one.state is not None]

    def _look_at(self, state: dict[str, Any], is_best: bool) -> Kept:
        broken = find_broken(state.get("model"), self.usual)
        if broken is not None and all(one.is_finite for one in self._kept[-1:]):  # said once
            LOG.warning("%s of the model is not finite any more; the last checkpoint that is stays", broken)
        figures = state.get("figures")
        numbers = [one for one in figures.values() if isinstance(one, float)] if isinstance(figures, dict) else []
        is_finite = broken is None and all(map(math.isfinite, numbers))
        return Kept(self.run.step, is_best and broken is None, is_finite, state)

    def _wake(self) -> None:
        if self._timer is None:
            self._timer = threading.Timer(self._written + APART - time.monotonic(), self.flush)
            self._timer.daemon = True
            self._timer.start()

    def _write(self, one: Kept, state: dict[str, Any]) -> bool:
        record, backend = self.run.open_record(), backend_of(self.run)
        if record is None or backend is None:
            return True
        try:
            one.path = save_checkpoint(record.path, one.step, state, backend)
            _mark(one.path.parent, self.marks)
        except StorageError as error:
            self._failure, one.path = error, None
            LOG.warning("%s; %s", error, "those before it are kept" if self.marks else "there is none before it")
            return False
        one.state = None
        self._drop()
        self.run.event("checkpoint", path=f"checkpoints/{one.path.name}", best=one.is_best)
        return True

    def _drop(self) -> None:
        """Delete the written ones that are not wanted any more."""
        written = [one for one in self._kept if one.path is not None]
        wanted = wanted_of(written)
        self._kept = [one for one in self._kept if one.path is None or one in wanted]
        for path in {one.path for one in written if one.path is not None} - {one.path for one in wanted}:
            doomed = path.with_name(f".{path.name}.old")  # no half of it may look like a checkpoint
            with suppress(OSError):
                path.rename(doomed)
            shutil.rmtree(doomed, ignore_errors=True)


def wanted_of(kept: Sequence[Kept]) -> list[Kept]:
    """Return those of some checkpoints, the oldest first, that are to stay."""
    return [*kept[-2:], *_best(kept), *_finite(kept)]


def _best(kept: Sequence[Kept]) -> list[Kept]:
    return [one for one in kept if one.is_best][-1:]


def _finite(kept: Sequence[Kept]) -> list[Kept]:
    return [one for one in kept if one.is_finite][-1:]


def find_broken(state: object, usual: Collection[str] = ()) -> str | None:
    """Return the name of a tensor in a model's state that is not finite, or None.

    Example:
        >>> find_broken({"weight": torch.tensor([1.0, float("nan")]), "bias": torch.zeros(2)})
        'weight'
    """
    parts = state.items() if isinstance(state, dict) else ()
    return next((name for name, part in parts if name not in usual and not _is_finite(part)), None)


def find_usual(model: nn.Module) -> set[str]:
    """Return the parts of a model's state that are not finite before it is trained: they are meant so."""
    return {name for name, part in model.state_dict().items() if not _is_finite(part)}


def _is_finite(part: object) -> bool:
    if not isinstance(part, Tensor) or is_lazy(part) or not (part.is_floating_point() or part.is_complex()):
        return True
    if part.layout is not torch.strided or part.is_meta or hasattr(type(part), "__tensor_flatten__"):
        return True  # nothing to look at here; the last kind holds its values in other tensors
    values = part.detach().float() if part.element_size() < 4 else part.detach()
    return abs(values.sum().item()) < math.inf or bool(values.isfinite().all())  # a sum may be too large itself


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
    backend, mark = backend_of(run), None if run.record is None else run.record.path / "checkpoints" / "best"
    if run.record is None or backend is None or mark is None or not mark.is_file():
        return None
    name = mark.read_text(encoding="utf-8").strip()
    checkpoint = load_checkpoint(run.record.path, backend, name)
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
