"""``tipi create``: a new project at any level, or a new plugin."""

from __future__ import annotations

import re
import sys
import textwrap
from pathlib import Path

import click

from tipi_core.errors import StorageError, UsageError

LEVELS = (
    "a plain script",
    "with a progress bar",
    "and a logger",
    "and the best device",
    "and a function that a pipeline can use",
    "as a pipeline",
)
RESERVED = (
    "tipi",
    "tipi_core",
    "tipi_plugins",
    "torch",
    "tests",
    "configs",
    "runs",
    "processes",
    "con",
    "nul",
    "aux",
    "prn",
)


@click.command("create", short_help="Make a new project, or a plugin.")
@click.argument("name")
@click.option("--level", type=click.IntRange(1, 5), default=5, show_default=True, help="How far to begin.")
@click.option("--minimal", is_flag=True, help="Only what is needed to run: no tests, README or pyproject.toml.")
@click.option("--plugin", is_flag=True, help="Make a distribution with a plugin in it.")
def command(name: str, level: int, minimal: bool, plugin: bool) -> None:
    """Make the folder NAME with a project in it that runs, and whose tests pass, at once.

    \b
    tipi create line
    tipi create sketch --level 2 --minimal
    tipi create tipi-counter --plugin
    """
    from tipi_core.project.pipelines import check_name

    check_name(name, "project")
    _check_free(name)
    files = plugin_files(name) if plugin else project_files(name, level, minimal)
    folder = Path(name)
    try:
        for path, text in files.items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StorageError(f"cannot write {error.filename}: {error.strerror}") from None
    for path in files:
        click.echo(str(folder / path))


def project_files(name: str, level: int, minimal: bool) -> dict[str, str]:
    """Return the files of a project, by path.

    Example:
        >>> sorted(project_files("line", 1, minimal=True))
        ['train.py']
    """
    from tipi_core.cli import templates

    pipeline = level == 5
    files = {} if pipeline and minimal else {"train.py": script(name, min(level, 4))}
    if pipeline:
        files[f"configs/{name}/pipeline.toml"] = templates.CONFIG.format(name=name)
        files["processes/training.py"] = templates.PROCESS.format(name=name)
    if not minimal:
        run = f"tipi run {name}" if pipeline else "python train.py"
        test = templates.TEST_PIPELINE if pipeline else templates.TEST_SCRIPT
        files |= {
            "tests/test_training.py": test.format(name=name),
            "pyproject.toml": templates.PYPROJECT.format(distribution=re.sub(r"[._-]+$", "", name)),
            "README.md": templates.README.format(name=name, run=run),
            ".gitignore": templates.IGNORE,
        }
    return files


def script(name: str, level: int) -> str:
    """Return the script at a level from 0 to 4."""
    from tipi_core.cli import templates

    steps = "epochs" if level == 4 else "50"
    body = templates.LOOP.format(
        device="device_manager.get_device()" if level >= 3 else templates.DEVICE,
        lr="lr" if level == 4 else "0.1",
        epochs=f'progress_bar(range({steps}), desc="Epochs")' if level else f"range({steps})",
        log='logger.log({"loss": loss})' if level >= 2 else 'print(f"epoch {epoch}: loss {loss.item():.4f}")',
    )
    if level == 1:
        body = body.replace('    print(f"epoch {epoch}: loss {loss.item():.4f}")\n', "print(loss.item())\n")
    elif level == 4:
        body = templates.FUNCTION.format(body=textwrap.indent(body, "    ").rstrip())
    head = templates.TRAIN_HEAD.format(
        how=LEVELS[level],
        imports=templates.IMPORTS[level],
        init=templates.INIT.format(name=name) if level >= 2 else "",
    )
    return f"{head.rstrip()}\n\n{body if level < 4 else chr(10) + body}"


def plugin_files(name: str) -> dict[str, str]:
    """Return the files of a plugin's distribution, by path."""
    from tipi_core.cli import templates

    module = re.sub(r"[.-]", "_", name).lower()
    if not module.isidentifier() or module in sys.stdlib_module_names:
        raise UsageError(f"{name!r} makes no module name", hint="begin with a letter and take no name of Python's own")
    plugin = module.removeprefix("tipi_")
    prefix = "".join(part.capitalize() for part in plugin.split("_"))
    texts = {
        "pyproject.toml": templates.PLUGIN_PYPROJECT,
        "README.md": templates.PLUGIN_README,
        f"{module}/__init__.py": templates.PLUGIN_INIT,
        f"{module}/parts.py": templates.PLUGIN_PARTS,
        "tests/test_parts.py": templates.PLUGIN_TEST,
    }
    words = {"name": name, "module": module, "plugin": plugin, "prefix": prefix}
    return {path: text.format(**words) for path, text in texts.items()} | {".gitignore": templates.IGNORE}


def _check_free(name: str) -> None:
    if name.lower() in RESERVED:
        raise UsageError(f"{name!r} is reserved", hint="choose another name")
    folder = Path(name)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{name!r} is there already", hint="choose another name, or remove it")
