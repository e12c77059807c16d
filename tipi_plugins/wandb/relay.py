"""The relay, ``python -m tipi_plugins.wandb.relay [--all] RECORD``: follows a record from its first row and feeds W&B.

The training starts it. It ends by itself when the run is over, also when the training was killed, and leaves what it
cannot send in a few seconds to ``tipi runs sync``, which is the same with ``--all``.
"""

from __future__ import annotations

import faulthandler
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import IO, TYPE_CHECKING, Any

from tipi_plugins.wandb.account import find_server
from tipi_plugins.wandb.files import (
    CATCH_UP,
    LOCK,
    SETTINGS,
    STATUS,
    own_folder,
    patience,
    read_json,
    shorten,
    write_json,
)
from tipi_plugins.wandb.following import PAUSE_SECONDS, RowReader, find_record, is_over

if TYPE_CHECKING:
    from tipi_plugins.wandb.client import Client

PROBE_SECONDS = 2
AGAIN_SECONDS = 30
ALL_SECONDS = 600.0
HANG_SECONDS = 20
LISTENED = 0.8  # of the time that the training waits, so that it hears how the relay ended


class Relay:
    """Brings one record to W&B.

    Args:
        record: The record's folder.
        say: Where the lines for the user go.
        everything: Whether it takes the time that it takes; else it ends a few seconds after the run.
    """

    def __init__(self, record: Path, say: IO[str], everything: bool = False) -> None:
        self.record = record
        self._seconds = ALL_SECONDS if everything else LISTENED * patience()
        self._base: int | None = read_json(own_folder(record) / STATUS).get("base")
        self._say = say
        self._folder = own_folder(record)
        self._settings = read_json(self._folder / SETTINGS) or _default_settings(record)
        self._stop_at = float("inf")

    def run(self) -> int:
        """Send everything; return 0 when W&B took it."""
        if self._settings.get("mode") == "offline":
            if read_json(self._folder / STATUS).get("state") == "done":
                return 0
            self._remove_half()
        elif not self._reach(find_server()):
            return 1
        try:
            client = self._begin()
            whole = self._send(client)
            self._end(client)
            if not whole:
                raise TimeoutError("there is more to send than it had time for")
        except Exception as error:  # wandb raises more than its own errors, and nobody above could help
            self._fail(f"{type(error).__name__}: {error}")
            raise
        return 0

    def stop_soon(self, _: int = 0, __: FrameType | None = None) -> None:
        """Send what comes in the next seconds and end; a signal handler."""
        self._stop_at = min(self._stop_at, time.monotonic() + self._seconds)

    def tell(self, line: str) -> None:
        """Give the training a line to print; it may be gone."""
        with suppress(OSError, ValueError):
            self._say.write(f"{line}\n")
            self._say.flush()

    def _remove_half(self) -> None:
        """Delete the offline files of a relay that was interrupted: they are written again from the record."""
        half = read_json(self._folder / STATUS).get("folder")
        if half:
            shutil.rmtree(half, ignore_errors=True)

    def _begin(self) -> Client:
        from tipi_plugins.wandb.client import INIT_SECONDS, Client

        found = find_record(self.record)
        with _hang_guard(INIT_SECONDS + HANG_SECONDS), self._not_behind_the_run():
            client = Client(self.record, self._settings, found.info if found else {}, self._seconds, self._base)
        self._base = client.base
        self._status("running", url=client.page, folder=client.folder)
        if client.page:
            self.tell(f"W&B: {client.page}")
        return client

    @contextmanager
    def _not_behind_the_run(self) -> Iterator[None]:
        """End the process where the run has been over for a while and wandb still waits for its server."""
        begun = threading.Event()

        def watch() -> None:
            while not begun.wait(PAUSE_SECONDS):
                if is_over(self.record):
                    self.stop_soon()
                if self._must_stop():
                    self._fail("the server did not let it begin in time")
                    os._exit(1)

        threading.Thread(target=watch, daemon=True).start()
        try:
            yield
        finally:
            begun.set()

    def _fail(self, why: str) -> None:
        self._status("failed", error=why)
        place = shorten(self.record)
        self.tell(
            f"W&B gave up ({' '.join(why.split())[:200]}); the record is whole; catch up with: {CATCH_UP} {place}"
        )

    def _send(self, client: Client) -> bool:
        """Send rows until the run is over, however it ended; return whether there was time for all of them.

        Whether the run lives is asked first and the rows are read after, so that the last ones are never missed.
        """
        reader = RowReader(self.record / "metrics.jsonl")
        while True:
            over = is_over(self.record)
            if over:
                self.stop_soon()
            while rows := reader.read():
                client.send(rows)
                if self._must_stop():
                    return not reader.read()
            if over or self._must_stop():
                return True
            time.sleep(PAUSE_SECONDS)

    def _end(self, client: Client) -> None:
        found = find_record(self.record)
        info = {**found.info, "state": found.state} if found else {}
        with _hang_guard(self._seconds + HANG_SECONDS):
            client.finish(info)
        self._status("done", url=client.page, folder=client.folder, rows=client.rows)

    def _reach(self, server: str) -> bool:
        """Wait for the server to answer as long as the run lasts; return whether it did."""
        told = False
        while not answers(server):
            self._status("unreachable", server=server)
            if self._wait(0):
                return self._give_up(server)
            if not told:
                told = True
                self.tell(f"W&B does not answer at {server}: metrics are kept in the record and sent when it does")
            if self._wait(AGAIN_SECONDS):
                return self._give_up(server)
        return True

    def _wait(self, seconds: float) -> bool:
        """Return early with True when there is nothing to wait for any more."""
        until = time.monotonic() + seconds
        while not (over := self._must_stop() or is_over(self.record)) and time.monotonic() < until:
            time.sleep(PAUSE_SECONDS)
        return over

    def _give_up(self, server: str) -> bool:
        place = shorten(self.record)
        self.tell(f"W&B did not answer at {server}: metrics are in {place}; catch up with: {CATCH_UP} {place}")
        return False

    def _must_stop(self) -> bool:
        return time.monotonic() > self._stop_at

    def _status(self, state: str, **facts: Any) -> None:
        with suppress(OSError):
            base = {} if self._base is None else {"base": self._base}
            write_json(self._folder / STATUS, {"state": state, "id": self._settings.get("id"), **base, **facts})


def answers(server: str, seconds: float = PROBE_SECONDS) -> bool:
    """Return whether a server says anything over HTTP in time; names are looked up inside that time too."""
    answered = threading.Event()

    def ask() -> None:
        from http.client import HTTPException
        from urllib.error import HTTPError
        from urllib.request import urlopen

        try:
            with urlopen(f"{server}/healthz", timeout=seconds):  # noqa: S310 - the user's own W&B server
                answered.set()
        except HTTPError:
            answered.set()
        except (OSError, ValueError, HTTPException) as error:
            if "CERTIFICATE" in str(error):  # it speaks; whether wandb trusts it is for wandb to say
                answered.set()

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(seconds)
    return answered.is_set()


@contextmanager
def only_relay(record: Path) -> Iterator[bool]:
    """Give whether this is the only relay of the record; the lock goes with the process."""
    try:
        import fcntl
    except ImportError:
        yield True
        return
    with (own_folder(record) / LOCK).open("a") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            yield not isinstance(error, BlockingIOError | PermissionError)
        else:
            yield True


@contextmanager
def _hang_guard(seconds: float) -> Iterator[None]:
    """End the process, with a traceback in the log, if wandb hangs against its own promises."""
    faulthandler.dump_traceback_later(seconds, exit=True)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


def _default_settings(record: Path) -> dict[str, Any]:
    """Return settings for a record that no tracker followed while its run lasted."""
    found = find_record(record)
    info: Mapping[str, Any] = found.info if found else {}
    return {"mode": "online", "id": info.get("id"), "project": info.get("name")}


def _own_stdout() -> IO[str]:
    """Return what stdout was, and send everything that wandb prints there to stderr, the log."""
    say = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return say


def main(arguments: list[str]) -> int:
    """Run the relay of the record named on the command line; return its exit code."""
    everything = arguments[:1] == ["--all"]
    folders = arguments[everything:]
    if len(folders) != 1 or find_record(Path(folders[0])) is None:
        sys.stderr.write("usage: python -m tipi_plugins.wandb.relay [--all] RECORD\n")
        return 2
    record = Path(folders[0]).resolve()
    with only_relay(record) as alone:
        if not alone:
            sys.stderr.write("tipi: another process sends this run to W&B already\n")
            return int(everything)
        relay = Relay(record, _own_stdout(), everything)
        if not everything:  # by hand, Ctrl-C ends it at once
            signal.signal(signal.SIGTERM, relay.stop_soon)
            signal.signal(signal.SIGINT, relay.stop_soon)
        return relay.run()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
