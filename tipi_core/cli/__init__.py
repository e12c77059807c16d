"""The command line: one file a command, imported when it is called."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command ``tipi`` and exit with its code."""
    from tipi_core.cli.group import run_command

    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = run_command(words)
    except Exception as error:
        code = _report_bug(error)
    sys.exit(code)


def _report_bug(error: Exception) -> int:
    import traceback

    from tipi_core.errors import TipiError

    traceback.print_exc()
    bug = TipiError(f"{type(error).__name__}: {error}", hint="this is a bug in tipi: please report it")
    sys.stderr.write(f"{bug.line()}\n")
    return bug.exit_code
