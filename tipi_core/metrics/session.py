"""The logger's state in one run: what ``init`` was told, the trackers it started, the user's config."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tipi_core.metrics.console import say, short_path
from tipi_core.metrics.stream import MetricStream
from tipi_core.metrics.tracker import Tracker
from tipi_core.records.background import Background
from tipi_core.run import Run


class RunConfig(dict[str, Any]):
    """The user's hyperparameters: a dict whose keys are attributes too, kept in ``run.json``."""

    def __init__(self, session: LogSession) -> None:
        super().__init__()
        object.__setattr__(self, "_session", session)

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __setitem__(self, name: str, value: Any) -> None:
        super().__setitem__(name, value)
        self._session.save_config()

    def update(self, *args: Any, **values: Any) -> None:
        """Set several values and save them once."""
        super().update(*args, **values)
        self._session.save_config()


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
        self.config = RunConfig(self)
        self._pending: dict[str, Any] = {}

    def init(self, settings: Mapping[str, Any]) -> None:
        """Take settings: at once, or later while a pipeline is being prepared."""
        given = {key: value for key, value in settings.items() if value is not None}
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

    def save_config(self) -> None:
        """Write the user's config into the record."""
        from tipi_core.config.secrets import collect_secrets

        self.run.secrets.update(collect_secrets(self.config))
        if self.run.record is not None and self.run.writes():
            self.run.record.update(config=_plain(self.config))

    def _start(self, settings: dict[str, Any]) -> None:
        settings = {**settings, **_from_command_line(self.run)}
        self.settings = settings
        stream = self.run.service(MetricStream) if self.run.writes() else None
        config = settings.get("config")
        if config:
            self.config.update(config if isinstance(config, Mapping) else vars(config))
        if stream is None:
            return
        if self.run.knows_plugins or settings.get("in_process"):  # what runs in here is there when init returns
            self._start_trackers(settings, stream)
        else:
            self._starting = Background("tipi-trackers", lambda _: self._start_trackers(settings, stream))
            self.run.defer(self._starting.wait)

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
