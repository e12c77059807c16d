"""``tipi run``: run a pipeline and sum it up."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from tipi_core.cli.options import debug_option, json_option, override_words, project_option
from tipi_core.cli.output import print_json, print_table
from tipi_core.errors import TipiError, UsageError


@click.command("run", short_help="Run a pipeline.")
@click.argument("name")
@override_words
@click.option("--config", help="A file in place of the pipeline's own.")
@click.option("--force", is_flag=True, help="Execute every process, also those that would be skipped.")
@project_option
@json_option
@debug_option
def command(
    name: str, words: tuple[str, ...], config: str | None, force: bool, project: Path | None, as_json: bool, debug: bool
) -> int:
    """Run the pipeline NAME, with KEY=VALUE words over its config.

    \b
    tipi run quickstart
    tipi run my_pipeline training.epochs=20 seed=3
    tipi run my_pipeline --config custom_config.toml
    tipi run experiments/try.toml
    """
    from tipi_core.runner import PipelineRunner

    if name.endswith(".py"):
        raise UsageError(f"{name!r} is a script, not a pipeline", hint=f"run it with: python {name}")
    runner = PipelineRunner(name, config, list(words), project=project, force=force)
    try:
        result = runner.run()
    except TipiError:
        raise
    except BaseException as error:
        return _report(error, debug)
    if as_json:
        print_json(_as_dict(result))
    else:
        _summarize(result)
    return 0


def _summarize(result: Any) -> None:
    """Print a row for each process, with the numbers that it returned, and where the record is."""
    numbers = list(dict.fromkeys(key for outcome in result.outcomes.values() for key in _numbers(outcome.value)))
    rows = [
        [
            name,
            f"skipped: {outcome.reason}" if outcome.skipped else "done",
            *(_format(_numbers(outcome.value).get(key)) for key in numbers),
            f"{outcome.seconds:.1f}",
        ]
        for name, outcome in result.outcomes.items()
    ]
    print_table(["process", "outcome", *numbers, "seconds"], rows, numbers=[*numbers, "seconds"])
    if result.path is not None:
        click.echo(f"record  {_short(result.path)}")
    click.echo(f"next    tipi inspect {result.name}")


def _numbers(value: Any) -> dict[str, float]:
    if not isinstance(value, Mapping):
        return {}
    return {
        str(key): number
        for key, number in value.items()
        if isinstance(number, int | float) and not isinstance(number, bool)
    }


def _format(number: float | None) -> str | None:
    return None if number is None else str(number) if isinstance(number, int) else f"{number:.4f}"


def _short(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _as_dict(result: Any) -> dict[str, Any]:
    return {
        "name": result.name,
        "id": result.id,
        "path": str(result.path) if result.path else None,
        "seconds": result.seconds,
        "metrics": dict(result.metrics),
        "processes": {
            name: {
                "skipped": outcome.skipped,
                "reason": outcome.reason,
                "seconds": outcome.seconds,
                "result": outcome.value if isinstance(outcome.value, dict | list | str | int | float) else None,
            }
            for name, outcome in result.outcomes.items()
        },
    }


def _report(error: BaseException, debug: bool) -> int:
    """Print the user's exception with the user's frames only, then the one line that sums it up."""
    import traceback

    from tipi_core.errors import RunInterrupted, exit_code_of

    code = exit_code_of(error)
    if isinstance(error, RunInterrupted | KeyboardInterrupt):
        click.echo(f"tipi: error[interrupted]: {error or 'interrupted'}, everything was cleaned up", err=True)
        return code
    report = traceback.TracebackException.from_exception(error)
    if not debug:
        _drop_frames(report)
    click.echo("".join(report.format()), err=True, nl=False)
    notes = getattr(error, "__notes__", [])
    what = " ".join(f"{type(error).__name__}: {error}".split())
    click.echo(f"tipi: error[user-code]: {what}{', ' + notes[0] if notes else ''}", err=True)
    return code


def _drop_frames(report: Any) -> None:
    """Leave out the frames of tipi's engine and of what calls it, in the chain of exceptions too."""
    import pluggy

    own = (str(Path(__file__).resolve().parents[1]), str(Path(pluggy.__file__).parent))
    frames = [frame for frame in report.stack if not frame.filename.startswith((*own, "<frozen"))]
    frames = [frame for frame in frames if f"{Path(sys.executable).parent}" not in frame.filename]
    report.stack[:] = frames
    for linked in (report.__cause__, report.__context__):
        if linked is not None:
            _drop_frames(linked)
