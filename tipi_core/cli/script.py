"""``tipi run train.py``: an unchanged script under a record."""

from __future__ import annotations

import os
import re
import runpy
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from tipi_core.errors import RunInterrupted, StorageError, UsageError, exit_code_of
from tipi_core.run import Run, activate


def run_script(name: str, words: Sequence[str], project: Path | None = None, host: Any = None) -> int:
    """Run a script as ``python name words...`` would, and keep a record of it; return its exit code.

    The record holds the command, what the script printed (``log.txt``), how it ended, and the state of its code; what
    the script itself logs goes into the same record.

    Args:
        name: The script's path.
        words: Its arguments.
        project: The folder to keep the record in, if it is another one than around here.
        host: The plugins to use; None finds them when they are needed.

    Raises:
        UsageError: There is no such file.
        StorageError: The record cannot be written; then the script does not run.
    """
    from tipi_core.project.settings import find_root
    from tipi_core.records.output import keep_output

    path = Path(name)
    if not path.is_file():
        raise UsageError(f"no script {name!r}", hint=f"looked in {Path.cwd()}")
    stem = re.sub(r"[^A-Za-z0-9._-]", "-", path.stem).lstrip("._-")[:100] or "script"
    root = project or find_root(Path.cwd()) or Path.cwd()
    run = Run(stem, root=root, host=host, facts={"script": str(path)})
    with activate(run):
        record = run.open_record()
        if record is None and run.writes():
            raise StorageError("the script did not run: its record cannot be written")
        error: BaseException | None = None
        with keep_output(lambda: record) if record is not None else nullcontext():
            try:
                with _as_main(path, words):
                    runpy.run_path(str(path), run_name="__main__")
            except BaseException as raised:
                error = raised
                _report(error, path)
            code = _exit_code(error)
            run.close(_state(error, code), error if code else None, exit_code=code)
    return code


@contextmanager
def _as_main(path: Path, words: Sequence[str]) -> Iterator[None]:
    """Give the script the arguments and the module path that Python would give it."""
    argv, first = sys.argv, sys.path[0]
    sys.argv, sys.path[0] = [str(path), *words], str(path.resolve().parent)
    try:
        yield
    finally:
        sys.argv, sys.path[0] = argv, first


def _exit_code(error: BaseException | None) -> int:
    if error is None:
        return 0
    if not isinstance(error, SystemExit):
        return exit_code_of(error) if isinstance(error, RunInterrupted | KeyboardInterrupt) else 1
    if error.code is None:
        return 0
    return error.code & 0xFF if isinstance(error.code, int) else 1


def _state(error: BaseException | None, code: int) -> str:
    if isinstance(error, RunInterrupted | KeyboardInterrupt):
        return "interrupted"
    return "failed" if code else "completed"


def _report(error: BaseException, path: Path) -> None:
    """Print what Python would print about an exception, from the script's own frames on."""
    if isinstance(error, SystemExit):
        if error.code is not None and not isinstance(error.code, int):
            sys.stderr.write(f"{error.code}\n")
        return
    trace, own = error.__traceback__, os.path.abspath(path)
    while trace is not None and os.path.abspath(trace.tb_frame.f_code.co_filename) != own:
        trace = trace.tb_next
    traceback.print_exception(type(error), error, trace or error.__traceback__)
