"""What the commands print, on terminals of two widths and in a pipe, as files.

``python -m tests.cli.screens`` writes them anew.
"""

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

FOLDER = Path(__file__).parent
WIDTHS = (60, 100)

FILES = {
    "processes/fitting.py": """
        from typing import Annotated, Literal

        from tipi import Permanence, PipelineProcess, pipeline_process
        from tipi.plugin import Meta


        class Source(Permanence):
            '''Numbers to fit.'''

            def __init__(self, folder: str = "data", api_key: str = ""):
                self.folder = folder


        class Fitting(PipelineProcess):
            '''Fits a line.'''

            def __init__(self, controller, force=False, epochs: Annotated[int, Meta(ge=1)] = 3, rate: float = 0.1,
                         optimizer: Literal["sgd", "adamw"] = "sgd"):
                super().__init__(controller, force)

            def skip(self):
                return "fitted before"

            def execute(self): ...


        @pipeline_process
        def evaluate(source, threshold: float = 0.5, verbose: bool = False): ...
        """,
    "configs/base.toml": """
        seed = 3

        [permanences.source]
        type = "Source"
        params = { api_key = "abc-secret-def" }

        [processes.fitting]
        type = "Fitting"
        params = { epochs = 10 }
        """,
    "configs/line.toml": """
        extends = "base.toml"
        description = "a line through noisy points"

        [processes.fitting.params]
        epochs = 20  # more than that overfits

        [processes.evaluate]
        type = "evaluate"
        """,
    "configs/wrong.toml": """
        sed = 3

        [processes.fitting]
        type = "Fiting"

        [processes.second]
        type = "Fitting"
        params = { epohcs = 3, rate = "high", optimizer = "adam", epochs = 0 }

        [processes.evaluate]
        type = "evaluate"
        parms = {}
        """,
}

SCREENS = {
    "list": ("list",),
    "inspect": ("inspect", "line", "--docs"),
    "validate": ("validate", "wrong"),
    "types": ("types",),
    "why": ("why", "line", "fitting.epochs", "fitting.epochs=30"),
    "config": ("config", "line"),
    "diff": ("config", "line", "--diff", "base"),
    "plan": ("run", "line", "--dry-run", "--from", "fitting"),
    "typo": ("lst",),
    "option": ("list", "--jsno"),
    "pipeline": ("run", "lin"),
    "key": ("run", "line", "fitting.epoch=3"),
}


def write_project(folder):
    for name, text in FILES.items():
        file = Path(folder, name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text).lstrip("\n"), encoding="utf-8")


def show(arguments, folder, columns, **environment):
    """Return what a command shows on a terminal of so many columns."""
    from tests.docs.screen import lines_of, run_on_terminal

    command = [sys.executable, "-m", "tipi", *arguments]
    code, screen = run_on_terminal(command, folder, columns, environment={"TIPI_PLUGINS": "", **environment})
    return code, lines_of(screen)


def pipe(arguments, folder, **environment):
    """Return code, stdout and stderr of a command whose output goes into pipes."""
    plain = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES")}
    done = subprocess.run(
        [sys.executable, "-m", "tipi", *arguments],
        cwd=folder,
        env={**plain, "TIPI_PLUGINS": "", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    return done.returncode, done.stdout, done.stderr


def draw(name, folder):
    """Return the screens of one command below each other, each with its width and exit code."""
    parts = []
    for columns in WIDTHS:
        code, lines = show(SCREENS[name], folder, columns)
        parts += [f"# {columns} columns, exit code {code}", *(line.plain for line in lines), ""]
    code, out, err = pipe(SCREENS[name], folder)
    text = "\n".join([*parts, f"# in a pipe, exit code {code}", out.rstrip("\n"), "# on stderr", err.rstrip("\n"), ""])
    return text.replace(os.path.realpath(folder), "/home/me/vision")


def draw_help():
    """Return the help of every command of core."""
    code = (
        "from tipi_core.cli.group import COMMANDS, run_command\n"
        "for name in COMMANDS:\n"
        "    print(f'# tipi {name}', flush=True)\n"
        "    assert run_command([*name.split('.'), '--help']) == 0\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "COLUMNS": "80"}, capture_output=True, text=True, check=True
    )
    return done.stdout
