"""What the commands about records share: where the records are, how they are written for people."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from tipi_core.cli.options import project_option
from tipi_core.records.reader import Record

runs_argument = click.argument("run", metavar="ID", default="latest")


def records_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command ``runs``, the folder of all records."""
    option = click.option(
        "--runs",
        type=click.Path(path_type=Path),
        help="The folder of the records; without it, the one that a run started here would use.",
    )
    return project_option(option(command))


def find_runs(runs: Path | None, project: Path | None) -> Path:
    """Return the folder of all records."""
    from tipi_core.project.settings import find_root, runs_folder

    return runs or runs_folder(project or find_root(Path.cwd()) or Path.cwd())


def describe_duration(record: Record) -> str:
    """Return how long a run took or has taken so far.

    Example:
        >>> describe_duration(Record(Path("."), {"seconds": 3725.2}, "completed"))
        '1:02:05'
    """
    seconds = record.info.get("seconds")
    if seconds is None and record.state == "running":
        seconds = time.time() - record.info.get("started", time.time())
    if not isinstance(seconds, int | float):
        return ""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def describe_start(record: Record) -> str:
    """Return when a run began, in local time."""
    started = record.info.get("started")
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(started)) if isinstance(started, int | float) else ""


def best_metrics(record: Record) -> dict[str, Any]:
    """Return the best value of each metric, as ``run.json`` has it; the last one where it has no best."""
    metrics = record.info.get("metrics")
    if isinstance(metrics, Mapping) and metrics:
        return {str(name): facts.get("best") for name, facts in metrics.items() if isinstance(facts, Mapping)}
    summary = record.info.get("summary")
    return dict(summary) if isinstance(summary, Mapping) else {}


def show_number(value: Any) -> str:
    """Return a value in few characters."""
    return f"{value:.4g}" if isinstance(value, float) else "" if value is None else str(value)


def printable(text: Any) -> str:
    """Return text of a record without what would steer a terminal."""
    return "".join(character if character.isprintable() else "?" for character in str(text))


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested tables under dotted keys.

    Example:
        >>> flatten({"a": {"b": 1}, "c": 2})
        {'a.b': 1, 'c': 2}
    """
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def read_config(record: Record) -> dict[str, Any]:
    """Return what a run was told: its ``config.toml``, and what ``logger.init(config=...)`` added; dotted keys."""
    import tomllib

    try:
        told = tomllib.loads(record.config)
    except tomllib.TOMLDecodeError:
        told = {}
    own = record.info.get("config")
    return flatten({**told, **(own if isinstance(own, Mapping) else {})})
