"""``tipi completion``: the lines that teach a shell to complete tipi's words."""

from __future__ import annotations

import click

PLACES = {
    "bash": 'eval "$(tipi completion bash)" in ~/.bashrc',
    "zsh": 'eval "$(tipi completion zsh)" in ~/.zshrc, after compinit',
    "fish": "tipi completion fish > ~/.config/fish/completions/tipi.fish",
}


@click.command("completion", short_help="Print shell completion.")
@click.argument("shell", type=click.Choice(list(PLACES)))
def command(shell: str) -> None:
    """Print what makes SHELL complete commands, options, pipelines, types, processes and config keys.

    \b
    eval "$(tipi completion bash)"                                       # in ~/.bashrc
    eval "$(tipi completion zsh)"                                        # in ~/.zshrc, after compinit
    tipi completion fish > ~/.config/fish/completions/tipi.fish
    """
    from click.shell_completion import get_completion_class

    from tipi_core.cli.group import COMPLETE, make_root

    kind = get_completion_class(shell)
    assert kind is not None, shell
    click.echo(kind(make_root(), {}, "tipi", COMPLETE).source())
