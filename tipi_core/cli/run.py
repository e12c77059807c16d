"""``tipi run``: run a pipeline and sum it up."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tipi_core.cli.completing import complete_processes, complete_targets
from tipi_core.cli.options import (
    debug_option,
    json_option,
    load_host,
    no_plugins_option,
    override_words,
    project_option,
    without_option,
)
from tipi_core.cli.output import print_json, print_table
from tipi_core.cli.planned import print_plan
from tipi_core.errors import TipiError, UsageError

if TYPE_CHECKING:
    from tipi_core.runner import PipelineRunner

SMOKE = 3
LONGEST = 128


class _RunCommand(click.Command):
    """A command whose ``--force`` takes the process after it, if there is one."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, _with_forced(args, self._valued()))

    def _valued(self) -> set[str]:
        options = [param for param in self.params if isinstance(param, click.Option) and not param.is_flag]
        return {name for option in options for name in option.opts} - {"--force"}


@click.command("run", short_help="Run a pipeline.", cls=_RunCommand)
@click.argument("name", metavar="NAME|FILE", shell_complete=complete_targets)
@override_words
@click.option("--config", help="A file in place of the pipeline's own.")
@click.option(
    "--force",
    multiple=True,
    metavar="[PROCESS]",
    help="Execute every process, also those that would be skipped; with PROCESS, that one.",
)
@click.option(
    "--only",
    multiple=True,
    metavar="PROCESS",
    shell_complete=complete_processes,
    help="Run this process and no other; may be repeated.",
)
@click.option("--from", "start", metavar="PROCESS", shell_complete=complete_processes, help="Begin with this process.")
@click.option("--until", "end", metavar="PROCESS", shell_complete=complete_processes, help="End after this process.")
@click.option("--dry-run", is_flag=True, help="Show what would run and why, and run nothing.")
@click.option("--smoke", is_flag=True, help=f"Try it out: every progress bar ends after {SMOKE} items.")
@click.option("--seed", type=int, help="The same as the word seed=SEED.")
@click.option("--name", "title", help="What to call the run in its record and in trackers.")
@click.option("--tags", multiple=True, help="Words to find the run by, separated by commas.")
@click.option("--quiet", is_flag=True, help="No bars and no messages: print the record's path, or errors.")
@click.option("--log", is_flag=True, envvar="TIPI_LOG", help="Keep what is printed, in log.txt of the record.")
@no_plugins_option
@without_option
@project_option
@json_option
@debug_option
def command(
    name: str,
    words: tuple[str, ...],
    config: str | None,
    force: tuple[str, ...],
    only: tuple[str, ...],
    start: str | None,
    end: str | None,
    dry_run: bool,
    smoke: bool,
    seed: int | None,
    title: str | None,
    tags: tuple[str, ...],
    quiet: bool,
    log: bool,
    no_plugins: bool,
    without: tuple[str, ...],
    project: Path | None,
    as_json: bool,
    debug: bool,
) -> int:
    """Run the pipeline NAME, with KEY=VALUE words over its config; or the script NAME.py, with the words behind --.

    \b
    tipi run quickstart
    tipi run my_pipeline training.epochs=20 seed=3
    tipi run my_pipeline --config custom_config.toml
    tipi run my_pipeline --from validation --force validation
    tipi run my_pipeline --dry-run --until training
    tipi run experiments/try.toml --smoke
    tipi run train.py -- --lr 0.1
    """
    from tipi_core.plan import Part
    from tipi_core.records.output import keep_output
    from tipi_core.runner import PipelineRunner

    gc.freeze()  # what is loaded so far lives as long as the process: no collection need look at it
    if name.endswith(".py"):
        from tipi_core.cli.script import run_script

        return run_script(name, words, project, load_host(no_plugins, without, project))
    runner = PipelineRunner(
        name,
        config,
        [*words, *([] if seed is None else [f"seed={seed}"])],
        project=project,
        force=True if "" in force else force,
        host=load_host(no_plugins, without, project),
        part=Part(only, start, end),
        facts=_facts(title, tags),
        alone=True,
    )
    if dry_run:
        print_plan(runner, as_json)
        return 0
    quietly = {"TIPI_PROGRESS": "off", "TIPI_QUIET": "1"} if quiet else {}
    variables = quietly | ({"TIPI_SMOKE": str(SMOKE)} if smoke else {}) | _colours()
    with environment(variables), keep_output(lambda: runner.record) if log else nullcontext():
        return _run(runner, as_json, quiet, debug)


def _run(runner: PipelineRunner, as_json: bool, quiet: bool, debug: bool) -> int:
    try:
        result = runner.run()
    except TipiError:
        raise
    except BaseException as error:
        return _report(error, debug)
    if as_json:
        print_json(_as_dict(result))
    elif not quiet:
        _summarize(result)
    elif result.path is not None:
        click.echo(result.path)
    return 0


def _colours() -> dict[str, str]:
    """Return what tells the bars and the user's own tools what ``--color`` says."""
    wanted = click.get_current_context().color
    return {} if wanted is None else {"FORCE_COLOR": "1"} if wanted else {"NO_COLOR": "1"}


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables while the block lasts."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _with_forced(args: list[str], valued: set[str]) -> list[str]:
    """Return the words with each bare ``--force`` joined to the process behind it, or to nothing."""
    result: list[str] = []
    rest = list(args)
    named = False
    while rest:
        word = rest.pop(0)
        if word == "--":
            return [*result, word, *rest]
        if word == "--force":
            follows = named and rest and not rest[0].startswith(("-", "~")) and "=" not in rest[0]
            word = f"--force={rest.pop(0) if follows else ''}"
        elif word in valued and rest:
            result.append(word)
            word = rest.pop(0)
        elif not word.startswith("-"):
            named = True
        result.append(word)
    return result


def _facts(title: str | None, tags: tuple[str, ...]) -> dict[str, Any]:
    words = [word.strip() for text in tags for word in text.split(",") if word.strip()]
    if title is not None and (not title.isprintable() or not title.strip() or len(title) > LONGEST):
        raise UsageError(f"{title[:120]!r} is no name for a run", hint=f"1 to {LONGEST} printable characters")
    return {key: value for key, value in (("title", title), ("tags", words)) if value}


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
    click.echo(f"tipi: error[user-code]: {_sum_up(error)}{', ' + notes[0] if notes else ''}", err=True)
    return code


def _sum_up(error: BaseException) -> str:
    """Return an exception in one line; of one that a worker passed on with its traceback, what ends the traceback."""
    text = str(error).rstrip()
    if "\nOriginal Traceback" in text:  # as torch's loaders do
        return text.rpartition("\n")[2]
    return " ".join(f"{type(error).__name__}: {text}".split())


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
