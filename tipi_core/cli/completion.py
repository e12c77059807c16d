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
    from tipi_core.cli.group import COMPLETE, make_root
    from tipi_core.cli.shells import KINDS

    click.echo(KINDS[shell](make_root(), {}, "tipi", COMPLETE).source(), nl=False)
