"""What training keeps: the best weights in memory, the best and the last checkpoint in the run's record."""

from __future__ import annotations

import logging
import math
import os
import shutil
from typing import TYPE_CHECKING, Any

from tipi.plugin import GuardStop, StorageError, load_checkpoint, save_checkpoint

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor, nn

    from tipi.plugin import DeviceBackend, Run

LOG = logging.getLogger("tipi")


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


class Keeper:
    """Writes the checkpoints of one training into the run's record and keeps the best and the last of them.

    Where the run has no record, nothing is written. A save that fails is said and the old one kept; if the last one
    of the training failed, :meth:`finish` raises.

    Args:
        run: The run.

    Attributes:
        last: The folder of the newest whole checkpoint, or None.
        best: The folder of the best one, or None.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.last: Path | None = None
        self.best: Path | None = None
        self._failure: StorageError | None = None

    def save(self, state: dict[str, Any], is_best: bool) -> None:
        """Write a checkpoint and remove the one that is neither best nor last any more."""
        record = self.run.open_record()
        backend = backend_of(self.run)
        if record is None or backend is None:
            return
        try:
            saved = save_checkpoint(record.path, self.run.step, state, backend)
        except StorageError as error:
            self._failure = error
            LOG.warning("%s; the one before it is kept", error)
            return
        before, self._failure = {self.last, self.best}, None
        self.last, self.best = saved, saved if is_best or self.best is None else self.best
        _mark(saved.parent, {"last": self.last, "best": self.best})
        for path in before - {self.last, self.best, None}:
            shutil.rmtree(str(path), ignore_errors=True)
        self.run.event("checkpoint", path=f"checkpoints/{saved.name}", best=is_best)

    def finish(self) -> None:
        """End the training's saving.

        Raises:
            StorageError: Its last checkpoint could not be written.
        """
        if self._failure is not None:
            raise self._failure


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


def _mark(folder: Path, marks: dict[str, Path | None]) -> None:
    """Write, beside the checkpoints, which of them is meant by a word."""
    for word, path in marks.items():
        if path is not None:
            draft = folder / f".{word}.{os.getpid()}"
            draft.write_text(f"{path.name}\n", encoding="utf-8")
            draft.replace(folder / word)
