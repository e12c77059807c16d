"""``logger``: wandb's words over the run's own record; it never raises, prompts or blocks a training."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tipi_core.run import Run, active_run, current_run, end_cells_run, end_implicit_run, find_mine

if TYPE_CHECKING:
    from tipi_core.metrics.saved import Saved
    from tipi_core.metrics.session import LogSession
    from tipi_core.metrics.stream import MetricStream

Sink = Callable[[Mapping[str, Any], int | None, bool | None], None]


class Logger:
    """The logger; use the instance ``logger``. It keeps no state: everything belongs to the current run.

    Example:
        >>> from tipi.helpers import logger
        >>> logger.init(project="my_research")  # doctest: +SKIP
        >>> logger.log({"loss": 0.5})  # doctest: +SKIP
    """

    def init(
        self,
        project: str | None = None,
        entity: str | None = None,
        name: str | None = None,
        config: Mapping[str, Any] | None = None,
        tags: list[str] | None = None,
        group: str | None = None,
        notes: str | None = None,
        mode: str | None = None,
        dir: str | None = None,  # noqa: A002 - wandb's name
        resume: Any = None,
        id: str | None = None,  # noqa: A002 - wandb's name
        **options: Any,
    ) -> LoggedRun:
        """Begin logging: open the record, and let trackers follow it where that is possible.

        Inside a pipeline this merges into what the config says, and the config wins. A second call with the same
        arguments does nothing; with others it says so once. In a notebook, the call in another cell, or in the same
        cell run again, ends the run and begins a new one.

        Args:
            project: The tracker's project.
            entity: The tracker's user or team.
            name: The run's name in the tracker.
            config: Hyperparameters, a mapping or a namespace; kept in the record with secrets masked.
            tags: Words to find the run by.
            group: A name that several runs share.
            notes: Free text.
            mode: ``online``, ``offline`` or ``disabled`` for the tracker; the record is written in each.
            dir: Where the tracker keeps its own files.
            resume: Whether the tracker goes on with a run of the same id.
            id: The run's id in the tracker.
            options: Anything else that the tracker's own ``init`` takes; ``reinit=True`` ends the run before.

        Returns:
            The run; in ``with logger.init() as run:`` it ends with the block.
        """
        settings = {
            "project": project, "entity": entity, "name": name, "config": config, "tags": tags, "group": group,
            "notes": notes, "mode": mode, "dir": dir, "resume": resume, "id": id, **options,
        }  # fmt: skip
        run = current_run()
        try:
            if _session(run).ends_before(settings):
                end_cells_run(run)
                run = current_run()
            _session(run).init(settings)
        except Exception as error:
            _complain(run, "init", error)
        return self.run

    def log(self, metrics: Mapping[str, Any], step: int | None = None, commit: bool | None = None) -> None:
        """Log one row of metrics.

        Args:
            metrics: Numbers, booleans, text, 0-d tensors; nested mappings get dotted keys.
            step: The row's step; None takes the next one of the run's own counter.
            commit: False holds the values back for the next row.

        Raises:
            RunInterrupted: A signal asked the run to stop; this is a safe point.
        """
        run = find_mine()  # written for speed: a run takes rows as long as it has a sink
        put = run.sink if run is not None else None
        if run is None or put is None:
            run, put = _open_sink()
        try:
            put(metrics, step, commit)
        except Exception as error:
            _complain(run, "log", error)
        if run.stop_signal is not None:
            run.safe_point()

    def log_figure(self, key: str, figure: Any) -> None:
        """Keep a figure under ``artifacts/``: of matplotlib (PNG), of plotly (a page), or with ``_repr_svg_`` (SVG)."""
        self._attach("figure", key, "write_figure", figure)

    def log_image(self, key: str, image: Any) -> None:
        """Keep an image: a file, a Pillow image, an array or tensor; fractions count from 0 to 1."""
        self._attach("image", key, "write_image", image)

    def log_table(self, key: str, rows: Any, columns: list[str] | None = None) -> None:
        """Keep a table: a data frame, rows as mappings, or rows as lists with ``columns``."""
        self._attach("table", key, "write_table", rows, columns)

    def log_text(self, key: str, text: str) -> None:
        """Keep a text, such as samples that a model wrote."""
        self._attach("text", key, "write_text", text)

    def log_artifact(
        self,
        path: str | Path,
        name: str | None = None,
        type: str = "file",  # noqa: A002 - wandb's name
        aliases: list[str] | None = None,
    ) -> None:
        """Keep a copy of a file or folder.

        Args:
            path: The file or folder.
            name: What to call it; its own name when not given.
            type: What it is, such as ``model`` or ``dataset``; for trackers.
            aliases: More names of this version, such as ``best``; for trackers.
        """
        about = {"of": type, **({"aliases": list(aliases)} if aliases else {})}
        self._attach("artifact", name or Path(path).stem, "copy_artifact", Path(path), about=about)

    def define_metric(
        self,
        name: str,
        step_metric: str | None = None,
        step_sync: bool | None = None,
        hidden: bool | None = None,
        summary: str | None = None,
        goal: str | None = None,
        overwrite: bool | None = None,
    ) -> None:
        """Say over which metric another one is drawn, and which end of it is good.

        Args:
            name: The metric; trackers may take patterns such as ``val/*``.
            step_metric: The metric of its x axis; one that is never logged is taken from the progress bar of that name.
            step_sync: For trackers: whether the x axis takes its last value where a row has none.
            hidden: For trackers: whether it has no chart by itself.
            summary: ``min`` or ``max``; trackers may know more.
            goal: ``minimize`` or ``maximize``.
            overwrite: For trackers: whether this replaces what was said before.
        """
        run = current_run()
        options = {"step_sync": step_sync, "hidden": hidden, "goal": goal, "overwrite": overwrite}
        given = {key: value for key, value in options.items() if value is not None}
        try:
            if run.writes():
                good = summary if summary in ("min", "max") else str(goal)[:3]
                if good in ("min", "max"):
                    _stream(run).goals[name] = good
                definition = {"name": name, "step_metric": step_metric, "summary": summary, **given}
                _stream(run).note(counts=False, define=definition)
        except Exception as error:
            _complain(run, "define_metric", error)

    def alert(self, title: str, text: str = "", level: str = "INFO", wait_duration: float | None = None) -> None:
        """Say something important: on the console, in the record, and through trackers that can.

        Args:
            title: A few words.
            text: More of them.
            level: ``INFO``, ``WARN`` or ``ERROR``.
            wait_duration: For trackers: the seconds in which an alert of that title is sent once.
        """
        run = current_run()
        level = str(getattr(level, "value", level))  # wandb has an enum for them
        wait = {} if wait_duration is None else {"wait_duration": wait_duration}
        try:
            if run.writes():
                _stream(run).note(counts=False, alert={"title": title, "text": text, "level": level, **wait})
                run.event("alert", title=title, text=text, level=level)
                sys.stderr.write(f"tipi: {level.lower()}: {title}{': ' + text if text else ''}\n")
        except Exception as error:
            _complain(run, "alert", error)

    def watch(self, model: Any, *arguments: Any, **options: Any) -> None:
        """Let a tracker that runs in this process watch a model's gradients; without one, say so once.

        Args:
            model: The model.
            arguments: What the tracker's own ``watch`` takes next.
            options: What else it takes.
        """
        run = current_run()
        try:
            watchers = [tracker.watch for tracker in _session(run).trackers if tracker.watch is not None]
            for watch in watchers:
                watch(model, *arguments, **options)
            if not watchers and run.writes():
                raise RuntimeError("no tracker runs in this process: logger.init(..., in_process=True) lets W&B do so")
        except Exception as error:
            _complain(run, "watch", error)

    def _attach(self, kind: str, key: str, writer: str, *values: Any, about: Mapping[str, Any] | None = None) -> None:
        """Write a file of the run and a row that names it."""
        from tipi_core.metrics import attachments

        run = current_run()
        try:
            if not run.writes():
                return
            stream, record = _stream(run), run.record
            if record is None:
                return
            stem = record.artifacts / f"{attachments.safe_name(key)}-{run.step:08}"
            path = getattr(attachments, writer)(stem, *values)
            stream.note(files={key: {"type": kind, "path": str(path.relative_to(record.path)), **(about or {})}})
        except Exception as error:
            _complain(run, f"log_{kind}", error)

    def finish(self, exit_code: int | None = None) -> None:
        """End the run of a script, so that the next call begins another; a pipeline ends by itself."""
        run = active_run()
        if run is not None and run.kind == "script":
            end_implicit_run(run, "failed" if exit_code else "completed")

    @property
    def config(self) -> Saved:
        """The hyperparameters of the current run: a dict whose keys are attributes too."""
        return _session(current_run()).config

    @config.setter
    def config(self, values: Any) -> None:
        if values is not self.config:  # as after |=
            self.config.update(values)

    @property
    def summary(self) -> Saved:
        """The last value of each metric, and what was set here: a dict whose keys are attributes too."""
        return _stream(current_run()).fresh_summary()

    @property
    def run(self) -> LoggedRun:
        """The current run: id, name, path of its record, url."""
        return LoggedRun(current_run())


class LoggedRun(Logger):
    """A run as the logger shows it; what can be said of the logger can be said of it too, until it ends.

    Attributes:
        id: Its id.
        path: The folder of its record, or None without one.

    Example:
        >>> with logger.init(project="my_research") as run:  # doctest: +SKIP
        ...     run.log({"loss": 0.5})
        ...     run.summary["best"] = 0.5
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self.id = run.id
        self.path = run.record.path if run.record else None

    @property
    def name(self) -> str:
        """The name that ``init`` was given, else the script's or pipeline's."""
        return self._setting("name") or self._run.name

    @property
    def url(self) -> str | None:
        """Its page in a tracker, as soon as that is known; None before, and without one."""
        return _session(self._run).url

    @property
    def project(self) -> str | None:
        """The tracker's project that ``init`` was given."""
        return self._setting("project")

    @property
    def entity(self) -> str | None:
        """The tracker's user or team that ``init`` was given."""
        return self._setting("entity")

    @property
    def step(self) -> int:
        """The number of the next log call."""
        return self._run.step

    def __enter__(self) -> LoggedRun:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if self._run.kind == "script":
            state = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
            end_implicit_run(self._run, "completed" if error is None else state, error)

    def __repr__(self) -> str:
        return f"LoggedRun(id={self.id!r}, name={self.name!r}, path={self.path!r})"

    def _setting(self, name: str) -> str | None:
        value = (_session(self._run).settings or {}).get(name)
        return None if value is None else str(value)


logger = Logger()


def start_pending(run: Run) -> None:
    """Start what ``logger.init`` asked for while the pipeline was prepared; the runner calls it."""
    _session(run).start_pending()


def _session(run: Run) -> LogSession:
    from tipi_core.metrics.session import LogSession

    return run.service(LogSession)


def _open_sink() -> tuple[Run, Sink]:
    """Return the current run and what takes its rows; nothing does where this process writes nothing."""
    run = current_run()
    try:
        if run.sink is not None:
            return run, run.sink
        if run.writes():
            return run, _stream(run).add
    except Exception as error:
        _complain(run, "log", error)
    return run, lambda *_: None


def _stream(run: Run) -> MetricStream:
    from tipi_core.metrics.stream import MetricStream

    return run.service(MetricStream)


def _complain(run: Run, call: str, error: Exception) -> None:
    """Say once for each kind of trouble what went wrong; the training goes on."""
    said = run.service(_Said)
    text = f"logger.{call}: {type(error).__name__}: {error}"
    if text not in said and sys.stderr is not None:
        said.add(text)
        sys.stderr.write(f"tipi: {text}\n")


class _Said(set[str]):
    """The complaints of one run so far."""

    def __init__(self, _: Run) -> None:
        super().__init__()
