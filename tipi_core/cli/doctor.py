"""``tipi doctor``: what a training needs, checked; may import torch."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tipi_core.cli.options import json_option, project_option
from tipi_core.cli.output import print_json, print_table

if TYPE_CHECKING:
    from tipi_core.plugins import PluginHost

Row = tuple[str, str, str, str]
WATCHED = ("torch", "numpy", "torchvision", "timm", "wandb", "tipi", "click", "rich", "pluggy", "msgspec", "tomlkit")


@click.command("doctor", short_help="Check what training needs.")
@project_option
@json_option
def command(project: Path | None, as_json: bool) -> int:
    """Check torch and its build, devices with free memory, the terminal, W&B credentials, plugins, shadowed modules.

    Ends with 3 where a plugin does not load, else with 0.

    \b
    tipi doctor
    tipi doctor --json
    """
    from tipi_core.plugins import PluginHost
    from tipi_core.project.settings import open_project

    here = open_project(project)
    host = PluginHost.load(block=here.blocked)
    rows = [*_torch(), *_devices(host), *_terminal(), *_wandb(), *_plugins(host), *_shadowed(here.root or Path.cwd())]
    if as_json:
        print_json([dict(zip(("check", "status", "found", "cure"), row, strict=True)) for row in rows])
    else:
        print_table(["check", "status", "found", "cure"], _in_short(rows))
    return 3 if any(row[:2] == ("plugin", "failed") for row in rows) else 0


def _in_short(rows: list[Row]) -> Iterator[Row]:
    """Yield the rows with the plugins that work in one."""
    well = [row for row in rows if row[0] == "plugin" and row[1] == "ok" and not row[3]]
    for row in rows:
        if row not in well:
            yield row
        elif row == well[0]:
            yield "plugins", "ok", ", ".join(plugin[2].partition(" ")[0] for plugin in well), ""


def _torch() -> Iterator[Row]:
    try:
        import torch
    except ImportError as error:
        yield "torch", "missing", str(error), "pip install 'torch-tipi[torch]'"
        return
    except Exception as error:
        yield "torch", "failed", f"{type(error).__name__}: {error}", "install torch anew"
        return
    build = f"CUDA {torch.version.cuda}" if torch.version.cuda else "CPU build"
    yield "torch", "ok", f"{torch.__version__}, {build}, {torch.get_num_threads()} threads", ""


def _devices(host: PluginHost) -> Iterator[Row]:
    for device in host.list_devices():
        yield "device", "ok" if device.usable else "unusable", device.describe(), ""


def _terminal() -> Iterator[Row]:
    kind = os.environ.get("TERM", "unknown")
    live = sys.stderr.isatty() and kind != "dumb"
    encoding = sys.stderr.encoding or "unknown"
    found = f"{'live bars' if live else 'plain lines'}, TERM={kind}, {encoding}"
    utf = encoding.lower().replace("-", "") == "utf8"
    yield "terminal", "ok" if utf else "limited", found, "" if utf else "set LANG=C.UTF-8 or PYTHONUTF8=1"


def _wandb() -> Iterator[Row]:
    from importlib.util import find_spec

    if find_spec("wandb") is None:
        yield "wandb", "missing", "not installed", "pip install 'torch-tipi[wandb]'"
    elif _has_credentials():
        yield "wandb", "ok", "credentials: yes", ""
    else:
        yield "wandb", "ok", "credentials: no; runs stay on this machine", "wandb login"


def _has_credentials() -> bool:
    """Return whether a key is there: in the environment, or in the file that ``wandb login`` writes."""
    if os.environ.get("WANDB_API_KEY"):
        return True
    file = Path(os.environ.get("NETRC", "~/.netrc")).expanduser()
    host = os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai").partition("://")[2].partition("/")[0]
    try:
        return f"machine {host.partition(':')[0]}" in file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False


def _plugins(host: PluginHost) -> Iterator[Row]:
    host.registry.entries()
    for plugin in host.plugins:
        found = f"{plugin.found.name} ({plugin.found.package} {plugin.found.version})"
        cause = f"{found}: {plugin.cause}" if plugin.cause else found
        yield "plugin", plugin.status, cause, plugin.cure or ""


def _shadowed(root: Path) -> Iterator[Row]:
    """Yield modules of the project that hide one of the standard library, or a package that training needs."""
    from tipi_core.sources import import_roots

    for folder in import_roots(root):
        for path in sorted(folder.iterdir()):
            module = path.suffix == ".py" or (path / "__init__.py").is_file()
            if module and path.stem in {*sys.stdlib_module_names, *WATCHED} and not _is_itself(path):
                yield "module", "shadowed", f"{path} hides the module {path.stem!r}", f"rename {path.name}"


def _is_itself(path: Path) -> bool:
    """Return whether a folder is the package itself, as in a checkout of it."""
    from importlib.util import find_spec

    try:
        spec = find_spec(path.stem)
    except (ImportError, ValueError):
        return False
    return path.is_dir() and spec is not None and spec.origin == str(path / "__init__.py") and path.stem == "tipi"
