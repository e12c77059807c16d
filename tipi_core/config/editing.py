"""Editing a pipeline's file: adding and removing one table, everything else left as it is."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from tipi_core.errors import UsageError


def add_table(text: str, section: str, name: str, values: Mapping[str, Any], comments: Sequence[str] = ()) -> str:
    r"""Return the text with a table ``[section.name]`` at its end.

    Args:
        text: A TOML document.
        section: ``permanences`` or ``processes``.
        name: The table's name.
        values: What the table says.
        comments: Lines to put at the table's end, without their ``#``.

    Raises:
        UsageError: The document holds its tables in a form that cannot be extended.

    Example:
        >>> print(add_table("seed = 1\n", "processes", "go", {"type": "Go"}), end="")
        seed = 1
        <BLANKLINE>
        [processes.go]
        type = "Go"
    """
    import tomlkit

    table = tomlkit.dumps(dict(values)).rstrip("\n")
    lines = [f"[{section}.{tomlkit.key(name).as_string()}]", table, *(f"# {comment}" for comment in comments)]
    new = f"{text.rstrip()}\n\n" if text.strip() else ""
    new += "\n".join(lines) + "\n"
    wanted = tomllib.loads(text)
    wanted.setdefault(section, {})[name] = dict(values)
    return _checked(new, wanted, f"[{section}.{name}]")


def remove_table(text: str, section: str, name: str) -> str:
    """Return the text without a table.

    Raises:
        UsageError: The document holds it in a form that cannot be taken out.
    """
    import tomlkit

    document = tomlkit.parse(text)
    wanted = tomllib.loads(text)
    del wanted[section][name]
    table: Any = document[section]
    del table[name]
    if not wanted[section]:
        del wanted[section]
        del document[section]
    return _checked(tomlkit.dumps(document), wanted, f"[{section}.{name}]")


def _checked(text: str, wanted: dict[str, Any], what: str) -> str:
    try:
        if tomllib.loads(text) == wanted:
            return text
    except tomllib.TOMLDecodeError:
        pass
    raise UsageError(f"cannot edit {what} in this file", hint="its tables are written in another form: edit it by hand")
