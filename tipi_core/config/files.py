"""Reading one TOML file, with the place of what is wrong in it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from tipi_core.config.layers import Layer
from tipi_core.config.secrets import mask_line
from tipi_core.errors import ConfigError


def read_file(path: Path) -> Layer:
    """Return a TOML file as a layer.

    Raises:
        ConfigError: It cannot be read, or is no TOML; with its place.
    """
    label = short_path(path)
    try:
        text = path.read_text(encoding="utf-8-sig").replace("\r\n", "\n")
    except OSError as error:
        raise ConfigError(f"cannot read the file: {error.strerror}", where=label) from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"the file is not UTF-8: byte {error.start}", where=label) from None
    try:
        return Layer(label, tomllib.loads(text), text)
    except tomllib.TOMLDecodeError as error:
        raise _syntax_error(label, text, error) from None


def _syntax_error(label: str, text: str, error: tomllib.TOMLDecodeError) -> ConfigError:
    match = re.search(r"^(.*) \(at line (\d+), column (\d+)\)$", str(error))
    if not match:
        lines = text.splitlines() or [""]
        where = f"{label}:{len(lines)}:{len(lines[-1]) + 1}"
        return ConfigError(f"not TOML: {str(error).removesuffix(' (at end of document)')}", where=where)
    what, line, column = match.groups()
    source = text.split("\n")[int(line) - 1]
    if what.startswith("Cannot"):  # overwrite or declare twice: the key is the mistake, not what follows its value
        column = str(len(source) - len(source.lstrip()) + 1)
    return ConfigError(f"not TOML: {what}", where=f"{label}:{line}:{column}", source=source and mask_line(source))


def short_path(path: Path) -> str:
    """Return the path as a person in the working directory would write it."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
