"""What the commands about records share: where the records are, how they are written for people."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from tipi_core.cli.options import project_option
from tipi_core.errors import UsageError, did_you_mean
from tipi_core.metrics.trends import has_no_best
from tipi_core.records.reader import Record

STATES = ("running", "completed", "failed", "interrupted", "crashed")
CHECKED = re.compile(r"(?:^|[^a-z])(?:val|valid|validation|eval|test)(?:[^a-z]|$)", re.IGNORECASE)

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
    if seconds is None and record.state == "running" and record.started is not None:
        seconds = time.time() - record.started
    if not isinstance(seconds, int | float):
        return ""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def describe_start(record: Record) -> str:
    """Return when a run began, in local time."""
    started = record.started
    return "" if started is None else time.strftime("%Y-%m-%d %H:%M", time.localtime(started))


def best_metrics(record: Record) -> dict[str, Any]:
    """Return the best value of each metric that has one; of a run that has not ended well, the last values.

    What a validation or a test found comes first: it tells runs apart better than the loss of a batch.
    """
    metrics = record.info.get("metrics")
    if isinstance(metrics, Mapping) and metrics:
        known = {str(name): facts.get("best") for name, facts in metrics.items() if isinstance(facts, Mapping)}
    else:
        summary = record.info.get("summary")
        known = dict(summary) if isinstance(summary, Mapping) and summary else record.latest_values()
    found = {name: value for name, value in known.items() if value is not None and not has_no_best(name)}
    return dict(sorted(found.items(), key=lambda pair: CHECKED.search(pair[0]) is None))


def show_number(value: Any) -> str:
    """Return a value in few characters."""
    return f"{value:.4g}" if isinstance(value, float) else "" if value is None else str(value)


def printable(text: Any) -> str:
    """Return text of a record without what would steer a terminal."""
    return "".join(character if character.isprintable() else "?" for character in str(text))


def short_ids(records: Sequence[Record]) -> list[str]:
    """Return the last digits of each id, where they tell it from the others, else all of it."""
    digits = Counter(record.path.name.rpartition("-")[2] for record in records)
    names = (record.path.name for record in records)
    return [name.rpartition("-")[2] if digits[name.rpartition("-")[2]] == 1 else name for name in names]


def check_states(states: Sequence[str]) -> None:
    """Refuse a state that no run can have.

    Raises:
        UsageError: There is one.
    """
    for state in states:
        if state not in STATES:
            raise UsageError(f"no run is ever {state!r}", hint=did_you_mean(state, STATES, "states"))
