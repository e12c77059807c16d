"""What commands print: tables for people, plain columns for pipes, JSON for machines."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import click

GAP = 2  # between two columns of a table


def print_json(value: Any) -> None:
    """Print a value as indented JSON on stdout."""
    from tipi_core.records.encoding import encode

    click.echo(encode(value, indent=2).decode())


def short_place(where: str) -> str:
    """Return a path, or a place in a file, as a person in the working directory would write it."""
    here, home = f"{os.getcwd()}{os.sep}", f"{os.path.expanduser('~')}{os.sep}"
    if where.startswith(here):
        return where[len(here) :]
    return f"~{os.sep}{where[len(home) :]}" if where.startswith(home) else where


def print_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    numbers: Sequence[str] = (),
    optional: Sequence[str] = (),
    below: Sequence[str] = (),
) -> None:
    """Print rows: on a terminal in colours and as wide as that is, in aligned plain columns anywhere else.

    Args:
        columns: The headings.
        rows: The cells; None prints as nothing.
        numbers: The headings of columns that are set flush right.
        optional: The headings of columns that a narrow terminal does without, the first of them first.
        below: The headings of columns whose cells stand below their row where that takes fewer lines.
    """
    texts = [["" if cell is None else str(cell) for cell in row] for row in rows]
    if is_terminal():
        _print_drawn(*_fit(columns, texts, optional), numbers, terminal_width(), below)
        return
    context = click.get_current_context(silent=True)
    if context is not None and context.color:
        _print_drawn(columns, texts, numbers, sys.maxsize)
        return
    widths = [max(len(cell) for cell in column) for column in zip(columns, *texts, strict=True)]
    for row in [list(columns), *texts]:
        cells = [
            cell.rjust(width) if name in numbers else cell.ljust(width)
            for cell, width, name in zip(row, widths, columns, strict=True)
        ]
        click.echo("  ".join(cells).rstrip())


def separate() -> None:
    """Leave a line between two tables."""
    click.echo("")


def is_terminal() -> bool:
    """Return whether somebody reads the answer on a terminal."""
    return sys.stdout is not None and sys.stdout.isatty()


def terminal_width() -> int:
    """Return how many columns there are."""
    return shutil.get_terminal_size((80, 24)).columns


def table_width(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """Return how wide a terminal has to be for a table."""
    from tipi_core.cli.tables import cell_width

    widths = [max(map(cell_width, column)) for column in zip(columns, *rows, strict=True)]
    return sum(widths) + GAP * (len(widths) - 1)


def _fit(
    columns: Sequence[str], rows: Sequence[Sequence[str]], optional: Sequence[str]
) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
    """Leave columns out until the rest fits or nothing more may go."""
    for name in optional:
        if table_width(columns, rows) <= terminal_width():
            break
        kept = [place for place, column in enumerate(columns) if column != name]
        columns = [columns[place] for place in kept]
        rows = [[row[place] for place in kept] for row in rows]
    return columns, rows


def _print_drawn(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    numbers: Sequence[str],
    width: int,
    below: Sequence[str] = (),
) -> None:
    from tipi_core.cli.tables import draw_table

    for line in draw_table(columns, rows, numbers, width, below):
        click.echo(line)
