"""The training's side of W&B: starts the relay, passes on its lines, waits a bounded time at the end."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any

from tipi.plugin import Run, Tracker
from tipi_plugins.wandb.direct import DirectRuns
from tipi_plugins.wandb.files import (
    CATCH_UP,
    FOLDER,
    LOG,
    SETTINGS,
    STATUS,
    own_folder,
    patience,
    read_json,
    shorten,
    write_json,
)
from tipi_plugins.wandb.ladder import LOCAL, choose_rung

NAME = "wandb"


def start_tracker(run: Run, settings: Mapping[str, Any]) -> Tracker | None:
    """Return the tracker of this run, its relay started where there is one; None for a run without a record."""
    if run.record is None:
        return None
    rung = choose_rung(settings, shorten(run.record.path))
    if rung.state == LOCAL:
        return Tracker(NAME, LOCAL, rung.explain)
    if settings.get("in_process"):
        inner = {key: value for key, value in settings.items() if key != "in_process"}
        inner |= {"mode": rung.state, "id": _take_id(run, settings)}
        return run.service(DirectRuns).start(inner, rung.explain, rung.state)
    relay = RelayProcess(run, {**settings, "mode": rung.state, "id": _take_id(run, settings)})
    return Tracker(NAME, rung.state, rung.explain, close=relay.leave, find_url=relay.find_page)


class RelayProcess:
    """The relay of one run, seen from the training.

    Args:
        run: The run; its record is open.
        settings: What the relay needs to know; written into the record.
    """

    def __init__(self, run: Run, settings: Mapping[str, Any]) -> None:
        assert run.record is not None
        self.record = run.record.path.resolve()
        folder = own_folder(self.record)
        write_json(folder / SETTINGS, settings)
        read, write = os.pipe()
        try:
            with (folder / LOG).open("ab") as log:
                self._process = subprocess.Popen(  # noqa: S603 - this very Python, on a path of our own
                    [sys.executable, "-P", "-m", "tipi_plugins.wandb.relay", str(self.record)],
                    stdin=subprocess.DEVNULL,
                    stdout=write,
                    stderr=log,
                    env={name: value for name, value in os.environ.items() if name != "WANDB_SERVICE"},
                    start_new_session=True,  # a Ctrl-C at the terminal or a hang-up is for the training
                )
        except BaseException:
            os.close(read)
            raise
        finally:
            os.close(write)
        self._read = read
        self._lines: threading.Thread | None = _begin(_pass_on, read)

    def find_page(self) -> str | None:
        """Return the run's page at W&B, once the relay has one."""
        page = read_json(self.record / FOLDER / STATUS).get("url")
        return page if isinstance(page, str) else None

    def leave(self) -> None:
        """Wait for the relay to send the rest, but not for ever: it goes on by itself."""
        try:
            self._process.wait(patience())
        except subprocess.TimeoutExpired:
            self._process.returncode = 0  # left behind on purpose: without this, Python warns about it
            if read_json(self.record / FOLDER / STATUS).get("state") not in ("failed", "unreachable"):  # it said so
                place = shorten(self.record)
                _say(f"W&B is still taking the rest, in the background; catch up with: {CATCH_UP} {place}")
        else:
            if self._lines is None:
                _pass_on(self._read)
            else:
                self._lines.join(1)


def _take_id(run: Run, settings: Mapping[str, Any]) -> str:
    """Return the run's id in W&B; that of a sweep's agent is for the first run of the process only."""
    return str(settings.get("id") or os.environ.pop("WANDB_RUN_ID", None) or run.id)


def _begin(work: Callable[[int], None], descriptor: int) -> threading.Thread | None:
    """Return the thread that does the work; None where Python ends, as it may after a short script, and makes none."""
    thread = threading.Thread(target=work, args=(descriptor,), name="tipi-wandb", daemon=True)
    try:
        thread.start()
    except RuntimeError:
        return None
    return thread


def _pass_on(descriptor: int) -> None:
    """Print the relay's lines until it ends; plain reads, which a process may leave behind when it exits."""
    rest = b""
    while data := os.read(descriptor, 4096):
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            _say(line.decode(errors="replace"))
    os.close(descriptor)


def _say(text: str) -> None:
    stream = sys.stderr
    if stream is not None:
        stream.write(f"tipi: {text}\n")
