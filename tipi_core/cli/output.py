"""What commands print: tables for people, plain columns for pipes, JSON for machines."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import click

GAP = 3  # between two columns of a table on a terminal


def print_json(value: Any) -> None:
    """Print a value as indented JSON on stdout."""
    from tipi_core.records.encoding import encode

    click.echo(encode(value, indent=2).decode())


def print_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    numbers: Sequence[str] = (),
    optional: Sequence[str] = (),
) -> None:
    """Print rows: a Rich table on a terminal, aligned plain columns anywhere else.

    Args:
        columns: The headings.
        rows: The cells; None prints as nothing.
        numbers: The headings of columns that are set flush right.
        optional: The headings of columns that a narrow terminal does without, the first of them first.
    """
    texts = [["" if cell is None else str(cell) for cell in row] for row in rows]
    if is_terminal():
        _print_rich(*_fit(columns, texts, optional), numbers)
        return
    widths = [max(len(cell) for cell in column) for column in zip(columns, *texts, strict=True)]
    for row in [list(columns), *texts]:
        cells = [
            cell.rjust(width) if name in numbers else cell.ljust(width)
            for cell, width, name in zip(row, widths, columns, strict=True)
        ]
        click.echo("  ".join(cells).rstrip())


def separate() -> None:
    """Leave a line between two tables; on a terminal they bring their own."""
    if not is_terminal():
        click.echo("")


def is_terminal() -> bool:
    """Return whether somebody reads the answer on a terminal."""
    return sys.stdout is not None and sys.stdout.isatty()


def terminal_width() -> int:
    """Return how many columns there are."""
    return shutil.get_terminal_size((80, 24)).columns


def table_width(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """Return how wide a terminal has to be for a table."""
    from rich.cells import cell_len

    widths = [max(map(cell_len, column)) for column in zip(columns, *rows, strict=True)]
    return sum(widths) + GAP * len(widths)


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


def _print_rich(columns: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[str]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for name in columns:
        number = name in numbers
        table.add_column(name, justify="right" if number else "left", overflow="fold", no_wrap=number)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)
