"""Parts: running some processes of a pipeline, and what that leaves out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tipi_core.components.signature import Signature
from tipi_core.config.model import ComponentSpec
from tipi_core.errors import UsageError, did_you_mean


@dataclass(frozen=True, slots=True)
class Part:
    """Which processes to run: ``only`` these, or those ``start`` to ``end``, both included; by default all.

    Example:
        >>> Part(start="b").left_out(["a", "b", "c"])
        {'a': 'left out by --from b'}
    """

    only: tuple[str, ...] = ()
    start: str | None = None
    end: str | None = None

    def left_out(self, names: Sequence[str]) -> dict[str, str]:
        """Return the processes that are left out, each with the reason.

        Raises:
            UsageError: A name is no process, or the part is empty.
        """
        for option, name in self._words():
            if name not in names:
                raise UsageError(f"{option} {name}: no such process", hint=did_you_mean(name, names, "processes"))
        first = names.index(self.start) if self.start else 0
        last = names.index(self.end) if self.end else len(names) - 1
        found = {}
        for position, name in enumerate(names):
            if self.only and name not in self.only:
                found[name] = f"left out by --only {' --only '.join(self.only)}"
            elif position < first:
                found[name] = f"left out by --from {self.start}"
            elif position > last:
                found[name] = f"left out by --until {self.end}"
        if names and len(found) == len(names):
            raise UsageError(f"{self} leaves nothing to run", hint=f"the processes are, in order: {', '.join(names)}")
        return found

    def __str__(self) -> str:
        return " ".join(f"{option} {name}" for option, name in self._words())

    def _words(self) -> Iterator[tuple[str, str]]:
        yield from (("--only", name) for name in self.only)
        yield from ((option, name) for option, name in (("--from", self.start), ("--until", self.end)) if name)


def check_needs(
    spec: ComponentSpec,
    signature: Signature,
    asked: Iterable[str],
    providers: Mapping[str, str],
    gone: Mapping[str, str],
) -> None:
    """Check that a process needs no result of one that is left out.

    Args:
        spec: The process.
        signature: What it takes.
        asked: The results that it asks for by name.
        providers: What fills its parameters, by name.
        gone: The processes that are left out, with the reason.

    Raises:
        UsageError: It needs one; the message names both.
    """
    taken = [
        parameter.name
        for parameter in signature.parameters
        if parameter.required
        and parameter.name not in spec.params
        and providers.get(parameter.name) == f"result of {parameter.name}"
    ]
    for name in (*taken, *asked):
        if name in gone:
            raise UsageError(
                f"process {spec.name!r} needs the result of {name!r}, which is {gone[name]}",
                hint=f"run {name!r} too",
            )
