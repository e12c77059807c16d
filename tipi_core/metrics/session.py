"""The logger's state in one run: what ``init`` was told, the trackers it started, the user's config."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tipi_core.metrics.cells import Cells
from tipi_core.metrics.console import say, short_path
from tipi_core.metrics.saved import Saved
from tipi_core.metrics.stream import MetricStream
from tipi_core.metrics.tracker import Tracker
from tipi_core.records.background import Background
from tipi_core.run import Run, close_first_at_exit

AGAIN = (True, "finish_previous", "create_new")


class LogSession:
    """What the logger keeps for one run; made by ``run.service(LogSession)``.

    Attributes:
        settings: The merged arguments of ``init``; None before the first.
        trackers: What the plugins started.
        config: The user's hyperparameters.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.settings: dict[str, Any] | None = None
        self.trackers: list[Tracker] = []
        self.config = Saved(self._save_config)
        self._pending: dict[str, Any] = {}
        self._cells: Cells | None = None

    def ends_before(self, settings: Mapping[str, Any]) -> bool:
        """Return whether ``init`` with these settings is for a new run: a later cell of a notebook, or ``reinit``."""
        if self.settings is None or self.run.kind != "script":
            return False
        return settings.get("reinit") in AGAIN or (self._cells is not None and self._cells.moved_on())

    def init(self, settings: Mapping[str, Any]) -> None:
        """Take settings: at once, or later while a pipeline is being prepared."""
        given = {key: value for key, value in settings.items() if value is not None and key != "reinit"}
        if self.run.preparing:
            self._pending.update(given)
        elif self.settings is None:
            self._start({**self._pending, **given})
        elif self.run.kind == "script" and {**self.settings, **given} != self.settings:
            say("logger.init was called before with other settings, which stay: call logger.finish() in between")

    def start_pending(self) -> None:
        """Start what was asked for during preparation, unless something else started already."""
        if self._pending and self.settings is None:
            self._start(dict(self._pending))

    @property
    def url(self) -> str | None:
        """The run's page in the first tracker that has one by now."""
        pages = (tracker.url or (tracker.find_url() if tracker.find_url else None) for tracker in self.trackers)
        return next((page for page in pages if page), None)

    def _save_config(self, _: Mapping[str, Any]) -> None:
        """Write the user's config into the record, or have it there once there is one."""
        from tipi_core.config.secrets import collect_secrets

        self.run.secrets.update(collect_secrets(self.config))
        if self.run.writes():
            self.run.note_facts(config=_plain(self.config))

    def _start(self, settings: dict[str, Any]) -> None:
        settings = {**settings, **_from_command_line(self.run)}
        self.settings = settings
        self._cells = Cells.of(self.run)
        stream = self.run.service(MetricStream) if self.run.writes() else None
        if settings.get("config"):
            self.config.update(settings["config"])
        if stream is None:
            return
        if self.run.knows_plugins or settings.get("in_process"):  # what runs in here is there when init returns
            self._start_trackers(settings, stream)
        else:
            self._starting = Background("tipi-trackers", lambda _: self._start_trackers(settings, stream))
            self.run.defer(self._starting.wait)
        if settings.get("in_process") and self.run.kind == "script":
            close_first_at_exit(self.run)  # before what the tracker does at exit, which would end its run

    def _start_trackers(self, settings: dict[str, Any], stream: MetricStream) -> None:
        """Start what follows the run and say so; on a thread in a script, where finding the plugins takes a while."""
        if self.run.record is not None:
            self.trackers = self.run.host.start_trackers(self.run, {**settings, "config": _plain(self.config)})
        stream.console.on = all(tracker.state == "local" for tracker in self.trackers)
        for tracker in self.trackers:
            say(tracker.explain)
            if tracker.close is not None:
                self.run.defer(tracker.close, late=True)
        if not self.trackers and self.run.record is not None:
            say(f"metrics go to {short_path(self.run.record.path)}")


def _from_command_line(run: Run) -> dict[str, Any]:
    """Return the run's title and tags, as trackers call them; a command line wins over everything else."""
    names = {"name": "title", "tags": "tags"}
    return {setting: run.facts[fact] for setting, fact in names.items() if run.facts.get(fact)}


def _plain(config: Mapping[Any, Any]) -> dict[str, Any]:
    from tipi_core.config.writing import mask_secrets

    masked: dict[str, Any] = mask_secrets(_with_text_keys(config))
    return masked


def _with_text_keys(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _with_text_keys(item) for key, item in value.items()}
    return value
