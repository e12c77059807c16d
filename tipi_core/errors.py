"""The error tree: what went wrong, where, what to do, and the exit code that says so.

Every mistake that a user can make becomes one :class:`TipiError`. The command line prints its
:meth:`~TipiError.report` and ends with its ``exit_code``; a program catches it by class. Exceptions raised by
the user's own code are never wrapped.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

LONGEST_LINE = 160


class TipiError(Exception):
    """The base of every error that tipi raises on purpose.

    Args:
        what: One sentence without a full stop: what is wrong.
        where: File, line and key, as ``file:line:column`` or ``file:line``; None where there is no place.
        hint: What to do about it.

    Example:
        >>> print(ConfigError("unknown key 'epoch'", where="a.toml:3:1", hint="did you mean 'epochs'?").line())
        tipi: error[config]: unknown key 'epoch', a.toml:3:1, did you mean 'epochs'?
    """

    id = "internal"
    exit_code = 70

    def __init__(self, what: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        return ", ".join(part for part in (self.what, self.where, self.hint) if part)

    def line(self) -> str:
        """Return the one line that ends a failed command's output on stderr."""
        return f"tipi: error[{self.id}]: {' '.join(str(self).split())}"

    def report(self) -> str:
        """Return everything to print: for most errors just :meth:`line`."""
        return self.line()


class UsageError(TipiError):
    """A command or call that asks for something that does not exist."""

    id = "usage"
    exit_code = 2


class ConfigError(TipiError):
    """A mistake in a pipeline's or project's configuration; ``source`` is the line of the file, if known."""

    id = "config"
    exit_code = 2

    def __init__(
        self, what: str, *, where: str | None = None, hint: str | None = None, source: str | None = None
    ) -> None:
        super().__init__(what, where=where, hint=hint)
        self.source = source

    def block(self) -> str:
        """Return the problem as lines: place, what, the source line with a caret, hint."""
        lines = [f"{self.where}: {self.what}" if self.where else self.what]
        if self.source is not None:
            source, caret = clip(self.source.strip(), self._caret(), LONGEST_LINE)
            lines.append(f"    {source}")
            lines.append(f"    {' ' * caret}^")
        if self.hint:
            lines.append(f"    {self.hint}")
        return "\n".join(lines)

    def report(self) -> str:
        """Return the block, where the source line is known, and the one line."""
        return self.line() if self.source is None else f"{self.block()}\n\n{self.line()}"

    def _caret(self) -> int:
        column = int((self.where or "").rpartition(":")[2] or 1)
        source = self.source or ""
        return max(0, column - 1 - (len(source) - len(source.lstrip())))


def clip(line: str, caret: int, width: int) -> tuple[str, int]:
    """Return the part of a line around its caret that fits into ``width`` columns, and the caret's place in it.

    Example:
        >>> clip("a = 1, b = 2, c = 3", 14, 12)
        ('… = 2, c = 3', 7)
    """
    if len(line) <= width:
        return line, caret
    start = max(0, min(caret - width // 2, len(line) - width))
    part = line[start : start + width]
    part = f"…{part[1:]}" if start else part
    return (f"{part[:-1]}…" if start + width < len(line) else part), caret - start


class ConfigProblems(ConfigError):
    """All the mistakes found in one pass, in the order of their places."""

    def __init__(self, problems: Sequence[ConfigError], name: str) -> None:
        self.problems = tuple(problems)
        first = self.problems[0]
        if len(self.problems) == 1:
            self.id = first.id
            super().__init__(first.what, where=first.where, hint=first.hint, source=first.source)
        else:
            super().__init__(
                f"{len(self.problems)} problems in {name}",
                where=f"the first at {first.where}" if first.where else None,
                hint=first.what,
            )

    def report(self) -> str:
        """Return a block for each problem and the one line that sums them up."""
        return "\n\n".join([*(problem.block() for problem in self.problems), self.line()])


class TrustError(ConfigError):
    """An import string that names code outside the project, its plugins and its ``trust`` list."""

    id = "trust"


class MissingPackage(TipiError):
    """A feature whose optional package is not installed or does not import; the hint is the pip command."""

    id = "missing-package"
    exit_code = 2


class PluginError(TipiError):
    """A plugin that cannot be loaded or that raised where a run needed it."""

    id = "plugin"
    exit_code = 3


class StorageError(TipiError):
    """The run folder cannot be written: no permission, no space."""

    id = "storage"
    exit_code = 4


class LockedError(StorageError):
    """The run is held by another process."""

    id = "locked"


class GuardStop(TipiError):
    """A guard stopped the training, for instance because the loss is not finite."""

    id = "guard"
    exit_code = 5


class RunInterrupted(KeyboardInterrupt):
    """A signal asked the run to stop; raised at its next safe point. ``signum`` is the signal's number."""

    def __init__(self, signum: int) -> None:
        super().__init__(f"stopped by signal {signum}")
        self.signum = signum


def exit_code_of(error: BaseException) -> int:
    """Return the exit code that ``error`` ends a command with.

    Example:
        >>> exit_code_of(ValueError()), exit_code_of(RunInterrupted(15))
        (1, 143)
    """
    if isinstance(error, TipiError):
        return error.exit_code
    if isinstance(error, RunInterrupted):
        return 128 + error.signum
    if isinstance(error, KeyboardInterrupt):
        return 130
    if isinstance(error, SystemExit) and isinstance(error.code, int):
        return error.code & 0xFF or 1  # whoever leaves early has not finished, whatever code it leaves with
    return 1


def nearest(word: str, choices: Iterable[str], limit: int = 3) -> list[str]:
    """Return up to ``limit`` of ``choices`` that look like ``word``, the nearest first; case does not count.

    What looks alike is told by the ratio of matching blocks (Ratcliff and Obershelp, as in :mod:`difflib`), which is
    nearest by the number of letters to change.

    Example:
        >>> nearest("epoch", ["lr", "epochs"])
        ['epochs']
    """
    import difflib

    folded: dict[str, str] = {}
    for choice in choices:
        folded.setdefault(choice.casefold(), choice)
    hits = difflib.get_close_matches(word.casefold(), folded, n=3 * limit, cutoff=0.6)
    return [folded[hit] for hit in sorted(hits, key=lambda hit: _changes(word.casefold(), hit))[:limit]]


def _changes(one: str, other: str) -> int:
    """Return how many letters have to be put in, left out, exchanged or swapped with their neighbour."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        above, row = row, [i]
        for j, wanted in enumerate(other, 1):
            cost = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (letter != wanted))
            if before and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before = above
    return row[-1]


def did_you_mean(word: str, choices: Iterable[str], else_list: str | None = None) -> str | None:
    """Return a hint that names the near misses of ``word``, else all ``choices`` behind ``else_list``, else None.

    Example:
        >>> did_you_mean("epoch", ["lr", "epochs"])
        "did you mean 'epochs'?"
    """
    known = sorted(choices)
    hits = nearest(word, known)
    if hits:
        return f"did you mean {' or '.join(repr(hit) for hit in hits)}?"
    if else_list and known:
        return f"{else_list}: {', '.join(known)}"
    return None
