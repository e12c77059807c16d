"""The course of one metric: its values, and where in the run each was logged."""

from __future__ import annotations

import json
import math
import sys
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain, groupby, repeat
from operator import add, sub, truediv
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tipi_core.records.atomic import read_whole_lines

if TYPE_CHECKING:
    from msgspec.json import Decoder

EPOCH = "epoch"
LARGEST = sys.float_info.max  # larger whole numbers are no floating-point numbers


def _doubles() -> array[float]:
    return array("d")


@dataclass(frozen=True, slots=True)
class Series:
    """Every value of one metric in one run, in the order of its rows.

    Attributes:
        metric: Its name.
        steps: The step of each value.
        times: Seconds since the run began to log.
        epochs: How many rounds of the loop over epochs were done; NaN where no loop was open yet.
        values: The values; NaN and infinity are among them.
    """

    metric: str
    steps: array[float] = field(default_factory=_doubles, repr=False)
    times: array[float] = field(default_factory=_doubles, repr=False)
    epochs: array[float] = field(default_factory=_doubles, repr=False)
    values: array[float] = field(default_factory=_doubles, repr=False)

    def axis(self, name: str) -> array[float]:
        """Return where the values lie on the axis ``step``, ``time`` or ``epoch``."""
        return {"step": self.steps, "time": self.times, "epoch": self.epochs}[name]


def read_series(file: Path, metric: str, outermost: str | None = None) -> Series:
    """Return the course of a metric as the file of a run's metrics has it.

    Args:
        file: A ``metrics.jsonl``; without it there are no values.
        metric: The metric's name.
        outermost: The description of a loop around all others that counts no epochs, such as a pipeline's own bar.

    Example:
        >>> read_series(Path("no such file"), "loss").values
        array('d')
    """
    series, epochs = Series(metric), _Epochs(outermost)
    for rows in _read_blocks(file):
        kept = [row for row in rows if metric in row.values]
        values = [row.values[metric] for row in kept]
        if not {float}.issuperset(map(type, values)):
            numbers = list(map(_number, values))
            kept = [row for row, number in zip(kept, numbers, strict=True) if number is not None]
            values = [number for number in numbers if number is not None]
        series.values.extend(values)
        series.steps.extend([row.step for row in kept])
        series.times.extend([row.time for row in kept])
        epochs.extend([row.loop for row in kept])
    series.epochs.extend(epochs.positions())
    return series


def _read_blocks(file: Path) -> Iterator[list[Any]]:
    """Yield the rows of a file, many at a time; a torn last line is left out, and so is one that is no row."""
    from msgspec import MsgspecError, Struct
    from msgspec.json import Decoder

    class Row(Struct):
        values: dict[str, Any] = {}  # msgspec makes a new one for each row
        step: float = 0.0
        time: float = 0.0
        loop: list[tuple[str, float]] = []

    decoder = Decoder(Row)
    for block in read_whole_lines(file):
        try:
            yield decoder.decode_lines(block)
        except MsgspecError:  # a line that a crashed machine left in pieces: the others one by one
            yield list(_decode_each(decoder, block.splitlines()))


def _decode_each(decoder: Decoder[Any], lines: Iterable[bytes]) -> Iterator[Any]:
    from msgspec import MsgspecError, convert

    for line in lines:
        try:
            yield decoder.decode(line)
        except MsgspecError:
            with suppress(ValueError, MsgspecError):  # Python's writer has words for NaN that JSON has not
                yield convert(json.loads(line), decoder.type)


def _number(value: Any) -> float | None:
    """Return a value of a row as a number; the three that JSON has not are there by name."""
    if isinstance(value, float):
        return value
    if isinstance(value, int):
        return float(value) if abs(value) <= LARGEST else math.inf if value > 0 else -math.inf
    return float(value) if value in ("NaN", "Infinity", "-Infinity") else None


@dataclass(slots=True)
class _Stretch:
    """Rows in a row that were logged inside the same loops.

    Attributes:
        place: Which of the loops counts epochs; -1 for none.
        inside: The description of the next loop inside, or None.
        begin: The first of its rows.
    """

    place: int
    inside: str | None
    begin: int


class _Epochs:
    """Turns loop positions into epochs done: whole ones, and how far the loop inside has come in this one.

    How long the loop inside is, its positions tell: the largest one, and the distance of one row to the next behind
    it. A row of the outer loop itself, such as the validation's, counts as the end of its epoch; where the inner loop
    gave rows of the same metric before, but none in this epoch yet, as its begin.
    """

    def __init__(self, outermost: str | None) -> None:
        self._outermost = outermost
        self._done, self._inside = _doubles(), _doubles()
        self._stretches: list[_Stretch] = []
        self._names: tuple[str, ...] | None = None
        self._place = -1

    def extend(self, loops: Iterable[Sequence[tuple[str, float]]]) -> None:
        """Take the loops of the next rows."""
        for names, group in groupby(loops, _descriptions):
            if names != self._names:
                self._begin(names)
            place, rows = self._place, list(group)
            self._done.extend([loop[place][1] for loop in rows] if place >= 0 else repeat(math.nan, len(rows)))
            deeper = 0 <= place < len(names) - 1
            self._inside.extend([loop[place + 1][1] for loop in rows] if deeper else repeat(0.0, len(rows)))

    def positions(self) -> array[float]:
        """Return the epochs done at each row."""
        found, begun = _doubles(), math.nan
        begins = [stretch.begin for stretch in self._stretches] + [len(self._done)]
        spans = [(stretch, slice(stretch.begin, end)) for stretch, end in zip(self._stretches, begins[1:], strict=True)]
        lengths = self._lengths(spans)
        for stretch, span in spans:
            done = self._done[span]
            if stretch.place < 0:
                found.extend(repeat(found[-1] if found else math.nan, len(done)))
            elif stretch.inside is None:
                found.extend(number + (math.isnan(begun) or number == begun) for number in done)
            else:
                begun = done[-1]
                found.extend(map(add, done, map(truediv, self._inside[span], repeat(lengths[stretch.inside]))))
        return found

    def _begin(self, names: tuple[str, ...]) -> None:
        """Begin a stretch: the loop that says so counts epochs, else the outermost does."""
        known = [number for number, name in enumerate(names) if EPOCH in name.lower()]
        others = [number for number, name in enumerate(names) if number or name != self._outermost]
        self._names, self._place = names, (known or others or [-1])[0]
        inside = names[self._place + 1] if 0 <= self._place < len(names) - 1 else None
        self._stretches.append(_Stretch(self._place, inside, len(self._done)))

    def _lengths(self, spans: list[tuple[_Stretch, slice]]) -> dict[str, float]:
        """Return how many items each loop inside has, as far as its rows tell."""
        last, stride = dict[str, float](), dict[str, float]()
        for stretch, span in spans:
            name, inside = stretch.inside, self._inside[span]
            if name is not None:
                last[name] = max(chain(inside, (last.get(name, 0.0),)))
                steps = filter((0.0).__lt__, map(sub, inside[1:], inside))
                stride[name] = min(stride.get(name, math.inf), min(steps, default=math.inf))
        return {name: last[name] + (stride[name] if stride[name] < math.inf else 1.0) for name in last}


def _descriptions(loop: Sequence[tuple[str, float]]) -> tuple[str, ...]:
    return tuple([desc for desc, _ in loop])
