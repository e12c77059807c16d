"""The command line: one file a command, imported when it is called."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command ``tipi`` and exit with its code."""
    from tipi_core.cli.group import run_command

    sys.exit(run_command(list(sys.argv[1:] if arguments is None else arguments)))
