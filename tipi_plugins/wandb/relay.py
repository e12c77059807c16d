"""The relay, ``python -m tipi_plugins.wandb.relay RECORD``: follows a record from its first row and feeds W&B.

The training starts it; run by hand it sends what W&B does not have yet. It ends by itself when the run is over,
also when the training was killed.
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
from tipi_plugins.wandb.files import CATCH_UP, LOCK, SETTINGS, STATUS, own_folder, read_json, shorten, write_json
from tipi_plugins.wandb.following import PAUSE_SECONDS, find_record, follow, is_over

if TYPE_CHECKING:
    from tipi_plugins.wandb.client import Client

PROBE_SECONDS = 2
AGAIN_SECONDS = 30
DRAIN_SECONDS = 10
HANG_SECONDS = 60


class Relay:
    """Brings one record to W&B.

    Args:
        record: The record's folder.
        say: Where the lines for the user go.
    """

    def __init__(self, record: Path, say: IO[str]) -> None:
        self.record = record
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
            for rows in follow(self.record, self._must_stop):
                client.send(rows)
            self._end(client)
        except Exception as error:  # wandb raises more than its own errors, and nobody above could help
            self._status("failed", error=f"{type(error).__name__}: {error}")
            why = " ".join(str(error).split())[:200]
            self.tell(f"W&B gave up ({why}); the record is whole; catch up with: {CATCH_UP} {shorten(self.record)}")
            raise
        return 0

    def stop_soon(self, _: int = 0, __: FrameType | None = None) -> None:
        """Send what comes in the next seconds and end; a signal handler."""
        self._stop_at = min(self._stop_at, time.monotonic() + DRAIN_SECONDS)

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
        with _hang_guard(INIT_SECONDS + HANG_SECONDS):
            client = Client(self.record, self._settings, found.info if found else {})
        self._status("running", url=client.page, folder=client.folder)
        if client.page:
            self.tell(f"W&B: {client.page}")
        return client

    def _end(self, client: Client) -> None:
        found = find_record(self.record)
        info = {**found.info, "state": found.state} if found else {}
        with _hang_guard(HANG_SECONDS):
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
            write_json(self._folder / STATUS, {"state": state, "id": self._settings.get("id"), **facts})


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
    if len(arguments) != 1 or find_record(Path(arguments[0])) is None:
        sys.stderr.write("usage: python -m tipi_plugins.wandb.relay RECORD\n")
        return 2
    record = Path(arguments[0]).resolve()
    with only_relay(record) as alone:
        if not alone:
            sys.stderr.write("another relay has this record\n")
            return 0
        relay = Relay(record, _own_stdout())
        signal.signal(signal.SIGTERM, relay.stop_soon)
        signal.signal(signal.SIGINT, relay.stop_soon)
        return relay.run()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
