"""The command group: lists commands from a table and from entry points, and imports only the one that is called."""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tipi_core.cli.painting import paint_report, take_color, terminal_width
from tipi_core.errors import PluginError, TipiError, UsageError, did_you_mean
from tipi_core.installed import InstalledEntry, find_entries, find_versions

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

COMPLETE = "_TIPI_COMPLETE"
ID_METAVARS = ("ID", "[ID]...", "ID...", "A", "B")
COMMANDS = {
    "run": "Run a pipeline.",
    "list": "List the pipelines of this project and of the plugins.",
    "inspect": "Show what a pipeline is made of, and where each part comes from.",
    "validate": "Check a pipeline without running anything.",
    "config": "Show the resolved config, or what differs from another.",
    "why": "Show where a value comes from, and what it shadowed.",
    "types": "List everything that type = may name.",
    "schema": "Print a JSON Schema for editors.",
    "create": "Make a new project, or a plugin.",
    "add": "Add a permanence or a process to a pipeline.",
    "remove": "Remove a permanence or a process from a pipeline.",
    "promote": "Make a pipeline of a script's decorated functions.",
    "devices": "List the devices: memory, load, who has them, and which one a run would take.",
    "plugins": "List the plugins, with cause and cure where one does not work.",
    "runs": "List, show, compare, export and delete runs.",
    "runs.list": "List the runs, newest first.",
    "runs.show": "Show one run: config, outcomes, metrics, curves.",
    "runs.diff": "Show what differs between two runs.",
    "runs.export": "Write the metrics of runs as CSV or Parquet.",
    "runs.rm": "Delete runs.",
    "runs.gc": "Delete old runs.",
    "info": "Show versions, project, records, plugins and devices.",
    "completion": "Print what teaches bash, zsh or fish to complete.",
    "doctor": "Check what training needs: torch, devices, terminal, W&B, plugins.",
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called; plugins add theirs through ``tipi.commands``."""

    def __init__(self, name: str, prefix: str = "", **options: Any) -> None:
        super().__init__(name, **options)
        self.prefix = prefix

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return core's commands in their order, then the plugins', sorted."""
        own = self._own()
        return own + sorted(set(self._added()) - set(own))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command."""
        full = f"{self.prefix}{cmd_name}"
        if any(name.startswith(f"{full}.") for name in COMMANDS):
            return self._group(cmd_name)
        if cmd_name in self._own():
            return _teach(import_module(f"tipi_core.cli.{full.replace('.', '_')}").command)
        added = self._added()
        entry = added.get(cmd_name)
        if entry is not None:
            return _teach(_load_command(entry))
        return self._group(cmd_name) if cmd_name in added else None

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take the command ``list`` of a nested group where none is named: ``tipi runs`` lists the runs."""
        words = args[:1]
        if "list" in self._own() and self.prefix and (not words or words[0].startswith("-")):
            args = args if words and words[0] in ("-h", "--help") else ["list", *args]
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the first word names.

        Raises:
            UsageError: There is none.
        """
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            hint = did_you_mean(name, self.list_commands(ctx), "commands")
            raise UsageError(f"no command {self.prefix.replace('.', ' ')}{name}", hint=hint)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing any."""
        rows = []
        plugins = self._added()  # once: it reads the entry points of every distribution
        for name in self.list_commands(ctx):
            added = plugins.get(name)
            told = COMMANDS.get(f"{self.prefix}{name}") or (added and _read_help(added))
            rows.append((name, told or f"Commands about {name}."))
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the commands that begin with what was typed, importing none; options as usual."""
        from click.shell_completion import CompletionItem

        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        names = [name for name in self.list_commands(ctx) if name.startswith(incomplete)]
        return [CompletionItem(name, help=COMMANDS.get(name) if not self.prefix else None) for name in names]

    def _group(self, name: str) -> LazyGroup:
        full = f"{self.prefix}{name}"
        return LazyGroup(name, f"{full}.", help=COMMANDS.get(full, f"Commands about {name}."))

    def _own(self) -> list[str]:
        """Return core's commands directly below this group."""
        names = [name.removeprefix(self.prefix) for name in COMMANDS if name.startswith(self.prefix)]
        return [name for name in names if "." not in name]

    def _added(self) -> dict[str, InstalledEntry | None]:
        """Return the plugins' commands below this group; None stands for a group of dotted names."""
        found: dict[str, InstalledEntry | None] = {}
        for entry in find_entries("tipi.commands"):
            if entry.name.startswith(self.prefix):
                name, dot, _ = entry.name.removeprefix(self.prefix).partition(".")
                found.setdefault(name, None if dot else entry)
        return found


def _read_help(entry: InstalledEntry) -> str:
    """Return what the source of a plugin's command says in ``short_help``; nothing is imported for it."""
    from importlib.util import find_spec

    top, *inside = entry.value.partition(":")[0].split(".")
    spec = find_spec(top) if inside else None
    for folder in (spec and spec.submodule_search_locations) or ():
        with suppress(OSError, UnicodeDecodeError):
            text = Path(folder, *inside).with_suffix(".py").read_text(encoding="utf-8")
            told = re.search(r"short_help=\"([^\"]+)\"", text)
            if told:
                return told[1]
    return f"From {entry.package}."


def _teach(command: click.Command) -> click.Command:
    """Give a command, a plugin's too, what all have: completed ids of runs where the metavar says so, ``--debug``."""
    from tipi_core.cli.completing import complete_runs

    for parameter in command.params:
        if isinstance(parameter, click.Argument) and parameter.metavar in ID_METAVARS:
            parameter._custom_shell_complete = complete_runs
    if not any("--debug" in parameter.opts for parameter in command.params):
        command.params.append(click.Option(["--debug"], is_flag=True, expose_value=False, hidden=True))
    return command


def _load_command(entry: InstalledEntry) -> click.Command:
    try:
        command = entry.load()
    except (Exception, SystemExit) as error:
        raise PluginError(
            f"command {entry.name!r} of {entry.package} does not load: {type(error).__name__}: {error}",
            hint=f"update or remove {entry.package}",
        ) from error
    if not isinstance(command, click.Command):
        raise PluginError(f"{entry.value!r} is no click command", hint=f"the plugin behind {entry.name!r} names it")
    return command


def _print_version(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        click.echo(f"tipi {find_versions(['torch-tipi'])['torch-tipi']}")
        ctx.exit()


def make_root() -> LazyGroup:
    """Return the command ``tipi``."""
    group = LazyGroup(
        "tipi",
        help="From a raw PyTorch script to a production pipeline, without a rewrite.\n\nTry: tipi run quickstart",
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    group.params.append(
        click.Option(
            ["--version"], is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Show it."
        )
    )
    when = click.Choice(["auto", "always", "never"])  # taken out of the words before: it may stand behind any command
    group.params.append(
        click.Option(["--color"], type=when, expose_value=False, help="Whether to use colours, behind any command.")
    )
    told = "Show the full traceback of an error, behind any command."
    group.params.append(click.Option(["--debug"], is_flag=True, expose_value=False, help=told))
    return group


def run_command(arguments: list[str]) -> int:
    """Run one command line and return its exit code; every error becomes one message on stderr."""
    color = None
    if COMPLETE in os.environ:
        from tipi_core.cli.shells import answer_shells

        answer_shells()
    try:
        arguments, color = take_color(arguments)
        result = make_root().main(
            arguments, prog_name="tipi", complete_var=COMPLETE, standalone_mode=False, color=color
        )
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 0
    except click.ClickException as error:
        return _fail(_from_click(error), color)
    except TipiError as error:
        return _fail(error, color, debug="--debug" in arguments)
    except (click.Abort, KeyboardInterrupt):
        return 130
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - the reader is gone; exit without a second error
        return 141
    return result if isinstance(result, int) else 0


def _from_click(error: click.ClickException) -> UsageError:
    hint = None
    if isinstance(error, click.NoSuchOption) and error.possibilities:
        hint = f"did you mean {' or '.join(repr(word) for word in error.possibilities)}?"
        return UsageError(f"no such option {error.option_name}", hint=hint)
    command = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "tipi"
    return UsageError(error.format_message().rstrip("."), hint=f"see {command} --help")


def _fail(error: TipiError, color: bool | None, debug: bool = False) -> int:
    if debug:
        import traceback

        traceback.print_exception(error)
    click.echo(paint_report(error.report(), terminal_width()), err=True, color=color)
    return error.exit_code
