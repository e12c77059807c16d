"""The wandb client, fed with rows of a record; the only module that imports wandb."""

from __future__ import annotations

import inspect
import json
import math
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tipi_plugins.wandb.following import Row, Steps

INIT_SECONDS = 30.0
NUMBERS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


class Client:
    """One W&B run.

    Args:
        record: The record's folder.
        settings: What ``logger.init`` was told, ``mode`` and ``id`` decided.
        info: The record's ``run.json``.
        seconds: How long ``wandb`` may wait for the server at the end.
        base: How many steps the W&B run had when this record began, if that is known from an earlier time.

    Attributes:
        rows: How many rows were sent or skipped.
        base: How many steps the W&B run had when this record began.

    Raises:
        Exception: Whatever wandb raises when it cannot begin.
    """

    def __init__(
        self,
        record: Path,
        settings: Mapping[str, Any],
        info: Mapping[str, Any],
        seconds: float,
        base: int | None = None,
    ) -> None:
        sys.argv = [str(info.get("name", "train"))]  # wandb copies the command line, and the relay's says nothing
        import wandb

        self.rows = 0
        self._record = record
        again = {} if base is None else {"resume": "allow"}  # the run is there, and this goes on with it
        self._run = wandb.init(**_arguments(wandb, record, {**settings, **again}, info, seconds))
        self._first = self._run.starting_step
        self.base = self._first if base is None else base
        self._steps = Steps(self.base)
        self._axes: set[str] = set()

    @property
    def page(self) -> str | None:
        """The run's address, or None offline."""
        return None if self._run.offline else self._run.url

    @property
    def folder(self) -> str:
        """Where wandb keeps the run's own files."""
        return str(Path(self._run.dir).parent)

    def watch(self, model: Any, *arguments: Any, **options: Any) -> None:
        """Let wandb watch a model's gradients; only where the model lives, in the training's process."""
        self._run.watch(model, *arguments, **options)

    def send(self, rows: list[Row]) -> None:
        """Log rows under their steps; those that the server has from an earlier time are skipped."""
        for row in rows:
            step = self._steps.of(row)
            self._define(row.get("define"))
            if step >= self._first:
                self._say(row)
                if self._steps.next > step and isinstance(row.get("values"), dict):
                    self._run.log({**self._values(step, row), **self._attached(row)}, step=step, commit=True)
            self.rows += 1

    def _define(self, define: Any) -> None:
        """Define a metric; said again after an interruption, it changes nothing."""
        if isinstance(define, dict):
            self._axes |= {define["step_metric"]} if isinstance(define.get("step_metric"), str) else set()
            with _logged():
                self._run.define_metric(**{key: value for key, value in define.items() if value is not None})

    def _say(self, row: Row) -> None:
        """Pass on what a row says besides values and files."""
        alert, summary = row.get("alert"), row.get("summary")
        with _logged():
            if isinstance(summary, dict):
                self._run.summary.update({key: _number(value) for key, value in summary.items()})
            if isinstance(alert, dict):
                title, text = str(alert.get("title")), str(alert.get("text") or alert.get("title"))
                self._run.alert(title, text, alert.get("level"), alert.get("wait_duration"))

    def _values(self, step: int, row: Row) -> dict[str, Any]:
        """Return what wandb logs for a row: values, those of axes that only bars count, and a step of another count."""
        values = {key: _number(value) for key, value in row["values"].items()}
        for axis in self._axes - values.keys():
            values.update((axis, position) for desc, position in row.get("loop") or () if _names(desc, axis))
        if row.get("step") not in (None, step, step - self.base):
            values.setdefault("step", row["step"])
        if "wall" in row:
            values["_timestamp"] = row["wall"]
        return values

    def _attached(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return the files of a row as wandb has them; artifacts are logged by themselves."""
        files = row.get("files")
        objects = {}
        for key, about in files.items() if isinstance(files, dict) else ():
            path = (self._record / str(about.get("path"))).resolve()
            if not path.is_relative_to(self._record.resolve()) or not path.exists():
                print(f"no file {path} for {key!r}", file=sys.stderr)  # noqa: T201 - the log
            elif about.get("type") == "artifact":
                kind, aliases = str(about.get("of") or "file"), about.get("aliases")
                self._run.log_artifact(str(path), name=safe_name(key), type=kind, aliases=aliases)
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
        if path.suffix in (".html", ".svg"):  # a page may hold a drawing
            return wandb.Html(path.read_text(encoding="utf-8"))
        try:
            return wandb.Image(str(path))
        except Exception:  # it needs Pillow: then the file goes as it is
            self._run.save(str(path), base_path=str(self._record), policy="now")
            return None

    def finish(self, info: Mapping[str, Any]) -> None:
        """End the W&B run with the config and the outcome that the record tells.

        Raises:
            ConnectionError: The server refused rows; wandb itself only warns.
        """
        log = Path(self.folder, "logs", "debug-internal.log")
        config = info.get("config")
        if isinstance(config, dict):
            self._run.config.update(config, allow_val_change=True)
        completed = info.get("state") == "completed"
        self._run.finish(exit_code=0 if completed else info.get("exit_code") or 1)
        if refusal := _find_refusal(log):
            raise ConnectionError(refusal)


def _find_refusal(log: Path) -> str | None:
    """Return what wandb's own log says about rows that it gave up to send."""
    mark = "filestream: fatal error: "
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.is_file() else []
    refusals = [str(json.loads(line).get("msg")) for line in lines if mark in line]
    return refusals[-1].removeprefix(mark) if refusals else None


def safe_name(key: str) -> str:
    """Return a key as W&B takes an artifact's name."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", key)


@contextmanager
def _logged() -> Iterator[None]:
    """Keep what wandb refuses, such as a goal it does not know, from ending the rest; the log has it."""
    try:
        yield
    except Exception as error:  # wandb's own errors among them; where its service died, the next row says so
        print(f"left out: {type(error).__name__}: {error}", file=sys.stderr)  # noqa: T201 - the log


def _number(value: Any) -> Any:
    return NUMBERS.get(value, value) if type(value) is str else value


def _names(desc: str, axis: str) -> bool:
    """Return whether a bar's description names an axis: ``Epochs`` or ``epoch:`` the axis ``epoch``."""
    return desc.strip(" :").lower() in (axis.lower(), f"{axis.lower()}s")


def _arguments(
    wandb: Any, record: Path, settings: Mapping[str, Any], info: Mapping[str, Any], seconds: float
) -> dict[str, Any]:
    """Return the arguments of ``wandb.init``: its own parameters, and the rest as fields of its settings."""
    taken = set(inspect.signature(wandb.init).parameters) - {"settings"}
    fields = set(wandb.Settings.model_fields)
    given = settings.get("settings")
    inner = {**_own_settings(info, seconds), **(given if isinstance(given, dict) else {})}
    inner |= {key: value for key, value in settings.items() if key not in taken and key != "settings"}
    for key in sorted(set(inner) - fields):
        print(f"wandb {wandb.__version__} has no setting {key!r}: left out", file=sys.stderr)  # noqa: T201 - the log
    arguments = {key: value for key, value in settings.items() if key in taken}
    arguments.setdefault("resume", "allow")
    if "WANDB_DIR" not in os.environ:
        arguments.setdefault("dir", str(record))
    return {**arguments, "settings": wandb.Settings(**{key: inner[key] for key in inner if key in fields})}


def _own_settings(info: Mapping[str, Any], seconds: float) -> dict[str, Any]:
    """Return how a relay wants wandb: about the training's process, without its code, bounded in time."""
    return {
        "console": "off",
        "disable_code": True,
        "disable_git": True,
        "init_timeout": min(INIT_SECONDS, 3 * seconds),
        "finish_timeout": seconds,
        "finish_timeout_raises": True,
        "program": str(info.get("name", "train")),
        "x_start_time": info.get("started"),
        "x_stats_pid": info.get("pid"),
    }
