"""The fenced blocks of a Markdown file, and how each is run.

An HTML comment directly before a fence says how to treat it:

- ``<!-- not run: REASON -->``: it is only shown;
- ``<!-- file: PATH -->``: it is written to that file of the document's folder, and not run by itself;
- ``<!-- needs: MODULE -->``: it is run where that module is installed.

Without one, Python runs as a script, a shell block line by line with ``bash -e``, and TOML must parse.
"""

import os
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

FENCE = re.compile(
    r"^(?P<indent>[ ]*)```(?P<language>\w+)[^\n]*\n(?P<text>.*?)^(?P=indent)```[ ]*$", re.MULTILINE | re.DOTALL
)
COMMENT = re.compile(r"<!-- (?P<kind>not run|file|needs): (?P<value>[^\n]+?) -->\s*\Z")
RUN = ("python", "toml", "sh", "bash", "shell", "console")


@dataclass(frozen=True)
class Fence:
    language: str
    text: str
    line: int
    kind: str | None
    value: str | None


def fences(markdown):
    for match in FENCE.finditer(markdown):
        before = COMMENT.search(markdown, 0, match.start())
        kind, value = (before["kind"], before["value"]) if before else (None, None)
        indent = match["indent"]
        text = "".join(line.removeprefix(indent) for line in match["text"].splitlines(keepends=True))
        yield Fence(match["language"], text, markdown.count("\n", 0, match.start()) + 1, kind, value)


def run_document(path: Path, folder: Path) -> None:
    """Run every block of a document in order, in one folder."""
    for fence in fences(path.read_text(encoding="utf-8")):
        if fence.language in RUN and fence.kind != "not run":
            _run(fence, folder, f"{path.name}:{fence.line}")


def _run(fence, folder, place):
    if fence.kind == "file":
        file = folder / fence.value
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(fence.text, encoding="utf-8")
    if fence.language == "toml":
        tomllib.loads(fence.text)
    elif fence.kind == "file" or (fence.kind == "needs" and find_spec(fence.value) is None):
        return
    elif fence.language == "python":
        _check([sys.executable, "-c", fence.text], folder, place)
    else:
        assert fence.language in ("sh", "bash", "shell"), f"{place}: say ```sh or mark it as not run"
        _check(["bash", "-eu", "-c", fence.text], folder, place)


def _check(command, folder, place):
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, f"{place}\n{done.stdout}\n{done.stderr}"
