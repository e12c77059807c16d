"""Writing a run's record: made exclusively, locked, replaced and appended so that no crash leaves half a thing."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tipi_core.config.secrets import mask_secrets
from tipi_core.errors import StorageError
from tipi_core.records import lock
from tipi_core.records.atomic import append_lines, replace_file
from tipi_core.records.encoding import encode
from tipi_core.records.layout import ARTIFACTS, CONFIG, EVENTS, FORMAT, LATEST, METRICS, RUN, RUNNING
from tipi_core.records.liveness import own_identity


class RunRecord:
    """The record of the run that this process is; make one with :meth:`create`.

    Attributes:
        path: Its folder, ``runs/<name>/<id>``.
        info: What ``run.json`` says, before secrets are masked.
        secrets: Texts that are masked wherever they would be saved; may grow while the run lasts.
    """

    def __init__(self, path: Path, info: dict[str, Any], secrets: set[str] | None = None) -> None:
        self.path = path
        self.info = info
        self.secrets = set() if secrets is None else secrets
        self._guard = threading.RLock()
        self._files: dict[str, int] = {}
        self._start = time.monotonic()

    @classmethod
    def create(
        cls, runs: Path, name: str, run_id: str, facts: Mapping[str, Any], secrets: set[str] | None = None
    ) -> RunRecord:
        """Make the folder ``runs/name/run_id`` and write the first ``run.json`` into it.

        Args:
            runs: The folder of all records.
            name: The pipeline's or script's name.
            run_id: The run's id.
            facts: More entries for ``run.json``.
            secrets: Texts that are masked wherever they would be saved.

        Raises:
            StorageError: The folder cannot be made or written.
        """
        path = runs.absolute() / name / run_id  # the training may change its folder
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_ignore(runs)
            path.mkdir()
            record = cls(path, _first_info(name, run_id, facts), secrets)
            record._begin()
        except OSError as error:
            raise StorageError(
                f"cannot write the run's record: {error.strerror or error}",
                where=str(path),
                hint="TIPI_RUNS=FOLDER puts records elsewhere",
            ) from error
        _point_latest(path)
        return record

    @property
    def artifacts(self) -> Path:
        """The folder for files of the run, made at the first ask."""
        folder = self.path / ARTIFACTS
        folder.mkdir(exist_ok=True)
        return folder

    def update(self, **fields: Any) -> None:
        """Set entries of ``run.json`` and replace the file.

        Raises:
            StorageError: It cannot be written.
        """
        with self._guard:
            self.info.update(fields)
            try:
                self._write_info()
            except OSError as error:
                raise StorageError(f"cannot write {RUN}: {error.strerror}", where=str(self.path)) from error

    def event(self, kind: str, **fields: Any) -> None:
        """Append one event to ``events.jsonl``; a full disk loses the event and not the run."""
        row = {"event": kind, "wall": time.time(), "time": round(time.monotonic() - self._start, 6)}
        row |= mask_secrets(fields, self.secrets)
        with self._guard:
            try:
                self._append(EVENTS, encode(row) + b"\n")
            except OSError:
                self.info["events_lost"] = self.info.get("events_lost", 0) + 1

    def write_config(self, text: str) -> None:
        """Write ``config.toml``, the effective configuration.

        Raises:
            StorageError: It cannot be written.
        """
        self.write_file(CONFIG, text.encode())

    def write_file(self, name: str, data: bytes) -> None:
        """Write a file of the run, or replace it as a whole.

        Raises:
            StorageError: It cannot be written.
        """
        try:
            replace_file(self.path / name, data)
        except OSError as error:
            raise StorageError(f"cannot write {name}: {error.strerror}", where=str(self.path)) from error

    def append_metrics(self, lines: bytes) -> None:
        """Append whole lines to ``metrics.jsonl`` in one write.

        Raises:
            OSError: They cannot be written; then none of them is.
        """
        with self._guard:
            self._append(METRICS, lines)

    def close(self, state: str, **fields: Any) -> None:
        """Write the final ``run.json`` and let go of the lock; a second call does nothing.

        Raises:
            StorageError: The final state cannot be written; the lock is let go all the same.
        """
        with self._guard:
            if self.info["state"] != RUNNING:
                return
            self.event("run_ended", state=state)
            seconds = round(time.monotonic() - self._start, 3)
            try:
                self.update(state=state, ended=time.time(), seconds=seconds, **fields)
            finally:
                self.info["state"] = state
                self._let_go()

    def _begin(self) -> None:
        """Lock the new folder and write its first files; leave nothing behind where that fails."""
        try:
            self.info["locked"] = lock.acquire(self.path)
            self._write_info()
            for file in (EVENTS, METRICS):
                self._append(file, b"")
        except BaseException:
            self._let_go()
            shutil.rmtree(self.path, ignore_errors=True)
            raise

    def _let_go(self) -> None:
        for descriptor in self._files.values():
            os.close(descriptor)
        self._files.clear()
        lock.release(self.path)

    def _write_info(self) -> None:
        replace_file(self.path / RUN, encode(mask_secrets(self.info, self.secrets), indent=2) + b"\n")

    def _append(self, name: str, data: bytes) -> None:
        if name not in self._files:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
            self._files[name] = os.open(self.path / name, flags, 0o644)
        try:
            append_lines(self._files[name], data)
        finally:
            if self.info["state"] != RUNNING:  # said after the end, such as what failed in the last clean-up
                os.close(self._files.pop(name))


def _first_info(name: str, run_id: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "name": name,
        "id": run_id,
        "state": RUNNING,
        "attempt": 1,
        **own_identity(),
        "started": time.time(),
        **facts,
    }


def _write_ignore(runs: Path) -> None:
    """Keep the records out of version control, unless the folder says something of its own."""
    ignore = runs / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")


def _point_latest(path: Path) -> None:
    """Let ``latest`` beside the run point to it, where the system has links; the link is a convenience only."""
    draft = path.parent / f".{LATEST}.{path.name}"
    try:
        draft.symlink_to(path.name, target_is_directory=True)
        draft.replace(path.parent / LATEST)
    except OSError:
        draft.unlink(missing_ok=True)
