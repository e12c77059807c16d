"""The completion lines in the shells themselves: what stands on the command line after the Tab key.

Nothing here waits for a time: a shell has its terminal ready when its prompt comes, and Ctrl-G, typed behind the Tab
key, makes it write its command line into a file.
"""

import fcntl
import os
import pty
import select
import shutil
import struct
import subprocess
import sys
import termios
import time

import pytest

BASH = """\
PS1='\\w ready> '
show() { printf '%s' "$READLINE_LINE" > "$ANSWER"; READLINE_LINE=; }
bind -x '"\\C-g": show'
bind 'set bell-style none'
eval "$(tipi completion bash)"
"""
ZSH = """\
PROMPT='%~ ready> '
autoload -Uz compinit && compinit -u -D
show() { print -rn -- "$BUFFER" > "$ANSWER"; BUFFER= }
zle -N show && bindkey '^G' show
setopt no_beep
eval "$(tipi completion zsh)"
"""
FISH = """\
function fish_prompt; echo 'here ready> '; end
function show; commandline | string collect | read -z line; printf '%s' $line > $ANSWER; commandline ''; end
bind \\cg show
tipi completion fish | source
"""
# A shell wants a terminal that is its own before it handles jobs.
OWN_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execvp(sys.argv[1], sys.argv[1:])"
)
SHELLS = {
    "bash": (["--noprofile", "--rcfile", "start", "-i"], BASH),
    "zsh": (["-d", "-i"], ZSH),
    "fish": (["--no-config", "-i", "-C", "source start"], FISH),
}
TYPED = {
    "tipi vali": "tipi validate ",
    "tipi run ma": "tipi run main ",
    "tipi runs show 2026": "tipi runs show 20260101T000000Z-abcdef ",
    "tipi run ste": "tipi run steps.py ",
    "tipi run main --only fi": "tipi run main --only first ",
    "tipi run main first.ep": "tipi run main first.epochs=",
    "tipi run main first.fast=tr": "tipi run main first.fast=true ",
    "tipi run main -P no:wa": "tipi run main -P no:wandb ",
    "tipi run main --dry": "tipi run main --dry-run ",
    "tipi run main 'first.tempo=s": "tipi run main 'first.tempo=slow' ",
    "tipi config 'main' --di": "tipi config 'main' --diff ",
    "tipi run main '~first.ep": "tipi run main '~first.epochs' ",
}
STEPS = """
    from typing import Literal
    from tipi import pipeline_process

    @pipeline_process
    def first(epochs: int = 3, fast: bool = False, tempo: Literal["slow", "quick"] = "slow"):
        return {"n": epochs}
"""


def put_on_path(folder):
    """Make a command ``tipi`` in the folder."""
    (folder / "tipi").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tipi "$@"\n')
    (folder / "tipi").chmod(0o755)


class Shell:
    """An interactive shell on a pseudo-terminal, whose command line can be asked for."""

    def __init__(self, name, folder):
        arguments, lines = SHELLS[name]
        self.answer, self.screen = folder / "answer", b""
        (folder / "start").write_text(lines)
        (folder / ".zshrc").write_text(lines)
        put_on_path(folder)
        own = {"HOME": folder, "ZDOTDIR": folder, "ANSWER": self.answer, "TERM": "xterm", "LC_ALL": "C.UTF-8"}
        path = {"PATH": f"{folder}:{os.environ['PATH']}"}
        self.parent, child = pty.openpty()
        fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-c", OWN_TERMINAL, name, *arguments],
            cwd=folder,
            env={**os.environ, **path, **{key: str(value) for key, value in own.items()}},
            stdin=child,
            stdout=child,
            stderr=child,
            start_new_session=True,
        )
        os.close(child)
        self.wait(lambda: b"ready> " in self.screen)

    def wait(self, arrived):
        """Read what the shell writes until something has arrived."""
        end = time.monotonic() + 60
        while not arrived():
            assert time.monotonic() < end, self.screen.decode(errors="replace")
            if select.select([self.parent], [], [], 0.02)[0]:
                self.screen += os.read(self.parent, 65536)

    def complete(self, typed):
        """Type a text and the Tab key; return the command line then."""
        self.answer.write_text("")
        os.write(self.parent, f"{typed}\t\x07".encode())
        self.wait(self.answer.read_text)
        return self.answer.read_text()

    def close(self):
        """End the shell."""
        self.process.kill()
        self.process.wait()
        os.close(self.parent)


@pytest.fixture
def project(tipi_project):
    tipi_project.write("steps.py", STEPS)
    tipi_project.write("configs/main.toml", '[processes.first]\ntype = "first"\n')
    (tipi_project.path / "runs" / "main" / "20260101T000000Z-abcdef").mkdir(parents=True)
    return tipi_project.path


@pytest.mark.parametrize("name", SHELLS)
def test_the_tab_key_completes_in_the_shell_itself(project, name):
    if not shutil.which(name):
        pytest.skip(f"needs {name}")
    shell = Shell(name, project)
    try:
        assert {typed: shell.complete(typed) for typed in TYPED} == TYPED
    finally:
        shell.close()


def test_fish_shows_whole_texts(project, cli):
    if not shutil.which("fish"):
        pytest.skip("needs fish")
    (project / "completion.fish").write_text(cli("completion", "fish").out)
    lines = 'source completion.fish; complete -C "tipi ru"'
    put_on_path(project)
    own = {"HOME": str(project), "PATH": f"{project}:{os.environ['PATH']}"}
    command, surroundings = ["fish", "--no-config", "-c", lines], {**os.environ, **own}
    done = subprocess.run(command, cwd=project, env=surroundings, capture_output=True, text=True, check=False)
    assert done.stdout == "run\tRun a pipeline.\nruns\tList, show, compare, export and delete runs.\n", done.stderr
