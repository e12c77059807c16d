"""Curves: which runs and metrics are drawn, what each is called, and what is wrong with the question."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tipi.errors import UsageError
from tipi.plugin import did_you_mean
from tipi_plugins.reports.scales import has_place, time_unit, write_number

if TYPE_CHECKING:
    from tipi.records import Record, Series

AXES = ("step", "epoch", "time")
MOST_SETTINGS = 3
LONGEST = 24


@dataclass(frozen=True, slots=True)
class Curve:
    """One metric of one run.

    Attributes:
        run: The number of the run among those that are drawn.
        series: Its values.
    """

    run: int
    series: Series


@dataclass(frozen=True, slots=True)
class Panel:
    """One metric of all runs that logged it."""

    metric: str
    curves: list[Curve]


@dataclass(frozen=True, slots=True)
class Plot:
    """What is drawn.

    Attributes:
        records: The runs.
        labels: What each is called: its name and digits, and the settings in which the runs differ.
        panels: A picture for each metric.
    """

    records: Sequence[Record]
    labels: list[str]
    panels: list[Panel]

    @property
    def title(self) -> str:
        """What the picture shows, in a few words."""
        metrics = ", ".join(panel.metric for panel in self.panels)
        return f"{metrics} of {self.labels[0] if len(self.records) == 1 else f'{len(self.records)} runs'}"

    def notes(self) -> list[str]:
        """Return, for each run, how many of its values cannot be drawn; empty where all can."""
        odd = [0] * len(self.records)
        for panel in self.panels:
            for curve in panel.curves:
                odd[curve.run] += sum(not has_place(value) for value in curve.series.values)
        return [f" ({number} values are not finite)" if number else "" for number in odd]

    def scale(self, axis: str) -> tuple[float, str]:
        """Return what the numbers of an axis are divided by, and what the axis is called."""
        if axis != "time":
            return 1.0, axis
        longest = max((curve.series.times[-1] for panel in self.panels for curve in panel.curves), default=0.0)
        length, unit = time_unit(longest)
        return length, f"time ({unit})"


def read_plot(records: Sequence[Record], metrics: Sequence[str]) -> Plot:
    """Return the curves of metrics in runs; a run that did not log one of them has no curve there.

    Raises:
        UsageError: No run logged a metric.
    """
    panels = []
    for metric in metrics:
        found = [Curve(number, record.series(metric)) for number, record in enumerate(records)]
        curves = [curve for curve in found if curve.series.values]
        if not curves:
            raise _no_metric(metric, records)
        panels.append(Panel(metric, curves))
    return Plot(records, name_runs(records), panels)


def check_axis(plot: Plot, axis: str) -> None:
    """Refuse an axis on which nothing has a place.

    Raises:
        UsageError: No row was logged inside a loop.
    """
    curves = [curve for panel in plot.panels for curve in panel.curves]
    if axis == "epoch" and not any(has_epochs(curve.series) for curve in curves):
        raise UsageError(
            "these rows know no epoch", hint="progress_bar around the loop tells it; --x step has all rows"
        )


def has_epochs(series: Series) -> bool:
    """Return whether any value has a place on the axis of epochs."""
    return not all(map(math.isnan, series.epochs))


def name_runs(records: Sequence[Record]) -> list[str]:
    """Return what to call each run: name and digits, then the first few settings in which they differ."""
    settings = [record.settings for record in records]
    keys = list(dict.fromkeys(key for told in settings for key in told))
    differing = [key for key in keys if len({str(told.get(key)) for told in settings}) > 1][:MOST_SETTINGS]
    short = [_shorten(key, differing) for key in differing]
    labels = []
    for record, told in zip(records, settings, strict=True):
        words = [f"{name}={_write(told[key])}" for key, name in zip(differing, short, strict=True) if key in told]
        labels.append(" ".join([record.path.parent.name, record.path.name.rpartition("-")[2], *words]))
    return labels


def _shorten(key: str, keys: Sequence[str]) -> str:
    """Return the last part of a dotted key, where that is enough to tell it from the others."""
    last = key.rpartition(".")[2]
    return key if [other.rpartition(".")[2] for other in keys].count(last) > 1 else last


def _write(value: object) -> str:
    text = write_number(value) if isinstance(value, float) and math.isfinite(value) else str(value)
    text = printable(text)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def printable(text: str) -> str:
    """Return text of a record without what would steer a terminal."""
    return "".join(character if character.isprintable() else "?" for character in text)


def _no_metric(metric: str, records: Sequence[Record]) -> UsageError:
    names = list(dict.fromkeys(name for record in records for name in record.metric_names()))
    where = records[0].path.name if len(records) == 1 else f"{len(records)} runs"
    if not names:
        return UsageError(f"there are no metrics in {where}", hint="logger.log writes them")
    return UsageError(f"no metric {metric!r} in {where}", hint=did_you_mean(metric, names, "metrics"))


def on_axis(series: Series, axis: str, length: float) -> array[float]:
    """Return where the values lie on an axis whose unit has a length."""
    places = series.axis(axis)
    return places if length == 1 else array("d", [place / length for place in places])
