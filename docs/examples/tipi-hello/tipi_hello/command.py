"""The command ``tipi hello``; this module is imported only when it is called."""

from __future__ import annotations

import click

from tipi_hello.phrasebook import PHRASES, Phrasebook


@click.command("hello", short_help="Greet somebody.")
@click.argument("name")
@click.option("--language", type=click.Choice(sorted(PHRASES)), default="en", show_default=True)
def hello(name: str, language: str) -> None:
    """Greet NAME."""
    click.echo(Phrasebook(language).greet(name))
