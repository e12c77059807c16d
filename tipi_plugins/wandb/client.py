"""The wandb client, fed with rows of a record; the only module that imports wandb."""

from __future__ import annotations

import inspect
import json
import math
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tipi_plugins.wandb.following import Row

INIT_SECONDS = 30
FINISH_SECONDS = 10
NUMBERS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


class Client:
    """One W&B run.

    Args:
        record: The record's folder.
        settings: What ``logger.init`` was told, ``mode`` and ``id`` decided.
        info: The record's ``run.json``.

    Raises:
        Exception: Whatever wandb raises when it cannot begin.
    """

    def __init__(self, record: Path, settings: Mapping[str, Any], info: Mapping[str, Any]) -> None:
        sys.argv = [str(info.get("name", "train"))]  # wandb copies the command line, and the relay's says nothing
        import wandb

        self.rows = 0
        self._record = record
        self._run = wandb.init(**_arguments(wandb, record, settings, info))
        self._first = self._run.starting_step

    @property
    def page(self) -> str | None:
        """The run's address, or None offline."""
        return None if self._run.offline else self._run.url

    @property
    def folder(self) -> str:
        """Where wandb keeps the run's own files."""
        return str(Path(self._run.dir).parent)

    def watch(self, model: Any, **options: Any) -> None:
        """Let wandb watch a model's gradients; only where the model lives, in the training's process."""
        self._run.watch(model, **options)

    def send(self, rows: list[Row]) -> None:
        """Log rows under their numbers; those that the server has from an earlier time are skipped."""
        for number, row in rows:
            if number >= self._first and isinstance(row.get("values"), dict):
                self._tell(row)
                self._run.log({**_values(number, row), **self._attached(row)}, step=number, commit=True)
            self.rows += 1

    def _tell(self, row: Mapping[str, Any]) -> None:
        """Pass on what a row says besides values and files."""
        define, alert = row.get("define"), row.get("alert")
        if isinstance(define, dict):
            self._run.define_metric(**{key: value for key, value in define.items() if value is not None})
        if isinstance(alert, dict):
            self._run.alert(str(alert.get("title")), str(alert.get("text") or alert.get("title")), alert.get("level"))

    def _attached(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return the files of a row as wandb has them; artifacts are logged by themselves."""
        files = row.get("files")
        objects = {}
        for key, about in files.items() if isinstance(files, dict) else ():
            path = (self._record / str(about.get("path"))).resolve()
            if not path.is_relative_to(self._record.resolve()) or not path.exists():
                print(f"no file {path} for {key!r}", file=sys.stderr)  # noqa: T201 - the log
            elif about.get("type") == "artifact":
                self._run.log_artifact(str(path), name=safe_name(key), type=str(about.get("of") or "file"))
            else:
                objects[key] = self._object(str(about.get("type")), path)
        return {key: value for key, value in objects.items() if value is not None}

    def _object(self, kind: str, path: Path) -> Any:
        import wandb

        if kind == "text":
            return path.read_text(encoding="utf-8")
        if kind == "table":
            table = json.loads(path.read_bytes())
            return wandb.Table(columns=table["columns"], data=table["data"])
        if path.suffix == ".html":
            return wandb.Html(path.read_text(encoding="utf-8"))
        try:
            return wandb.Image(str(path))
        except Exception:  # it needs Pillow: then the file goes as it is
            self._run.save(str(path), base_path=str(self._record), policy="now")
            return None

    def finish(self, info: Mapping[str, Any]) -> None:
        """End the W&B run with the config and the outcome that the record tells."""
        config = info.get("config")
        if isinstance(config, dict):
            self._run.config.update(config, allow_val_change=True)
        completed = info.get("state") == "completed"
        self._run.finish(exit_code=0 if completed else info.get("exit_code") or 1)


def safe_name(key: str) -> str:
    """Return a key as W&B takes an artifact's name."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", key)


def _values(number: int, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what wandb logs for a row; a step that the user counted himself becomes a value of its own."""
    values = {key: NUMBERS.get(value, value) if type(value) is str else value for key, value in row["values"].items()}
    if row.get("step") not in (None, number):
        values.setdefault("step", row["step"])
    if "wall" in row:
        values["_timestamp"] = row["wall"]
    return values


def _arguments(wandb: Any, record: Path, settings: Mapping[str, Any], info: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of ``wandb.init``: its own parameters, and the rest as fields of its settings."""
    taken = set(inspect.signature(wandb.init).parameters) - {"settings"}
    fields = set(wandb.Settings.model_fields)
    given = settings.get("settings")
    inner = {**_own_settings(info), **(given if isinstance(given, dict) else {})}
    inner |= {key: value for key, value in settings.items() if key not in taken and key != "settings"}
    for key in sorted(set(inner) - fields):
        print(f"wandb {wandb.__version__} has no setting {key!r}: left out", file=sys.stderr)  # noqa: T201 - the log
    arguments = {key: value for key, value in settings.items() if key in taken}
    arguments.setdefault("resume", "allow")
    if "WANDB_DIR" not in os.environ:
        arguments.setdefault("dir", str(record))
    return {**arguments, "settings": wandb.Settings(**{key: inner[key] for key in inner if key in fields})}


def _own_settings(info: Mapping[str, Any]) -> dict[str, Any]:
    """Return how a relay wants wandb: about the training's process, without its code, bounded in time."""
    return {
        "console": "off",
        "disable_code": True,
        "disable_git": True,
        "init_timeout": INIT_SECONDS,
        "finish_timeout": FINISH_SECONDS,
        "finish_timeout_raises": True,
        "program": str(info.get("name", "train")),
        "x_start_time": info.get("started"),
        "x_stats_pid": info.get("pid"),
    }
