"""The runner: from a pipeline's name to its result, through plan, run and clean-up."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tipi_core.components.process import BoundProcess, Outcome
from tipi_core.config.model import PipelineConfig
from tipi_core.config.reading import Overrides, read_pipeline
from tipi_core.config.secrets import mask_command
from tipi_core.config.writing import to_toml
from tipi_core.controller import CoreProviders, PipelineController
from tipi_core.errors import StorageError, TipiError, UsageError, did_you_mean, exit_code_of
from tipi_core.plan import Part, Plan, Resolver, make_plan
from tipi_core.plugins import PluginHost
from tipi_core.project.importing import ProjectImports, without_collections
from tipi_core.project.pipelines import find_pipeline
from tipi_core.project.settings import Project, find_root, open_project, runs_folder
from tipi_core.run import Run, activate
from tipi_core.signals import handle_signals

if TYPE_CHECKING:
    from tipi_core.records import RunRecord


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a run came to; ``result["training"]`` is what the process of that name returned.

    Attributes:
        name: The pipeline's name.
        id: The run's id.
        path: The folder of its record, or None.
        outcomes: The outcome of each process, in order.
        metrics: The last value of each metric.
        seconds: Wall time of the whole run.
    """

    name: str
    id: str
    path: Path | None
    outcomes: Mapping[str, Outcome]
    metrics: Mapping[str, float]
    seconds: float

    def __getitem__(self, process: str) -> Any:
        return self.outcomes[process].value


class PipelineRunner:
    """Runs a pipeline from any program: a script, a notebook, a thread.

    Args:
        name: The pipeline's name, or the path of its file.
        config: A file in place of the pipeline's own.
        overrides: Words such as ``"training.epochs=3"``, or a mapping from such keys to values.
        types: Types registered by hand, by the name that ``type =`` uses.
        project: The project's root; None finds it around the working directory.
        force: True executes every process even where it would be skipped; a collection of names, those.
        host: The plugins; None loads those that are installed.
        part: The processes to run; None runs all.
        facts: More entries for ``run.json``; ``title`` and ``tags`` go to the trackers too.
        alone: Whether the process ends with this run: what it imports is then never searched for garbage.

    Attributes:
        record: The record of the run, once that has begun.

    Example:
        >>> PipelineRunner("quickstart", overrides={"training.epochs": 1}).run()  # doctest: +SKIP
    """

    def __init__(
        self,
        name: str,
        config: str | None = None,
        overrides: Overrides | None = None,
        types: Mapping[str, Any] | None = None,
        *,
        project: str | Path | None = None,
        force: bool | Sequence[str] = False,
        host: PluginHost | None = None,
        part: Part | None = None,
        facts: Mapping[str, Any] | None = None,
        alone: bool = False,
    ) -> None:
        self.name = str(name)
        self.config = config
        self.overrides = overrides or ()
        self.types = types
        self.project = Path(project) if project is not None else None
        self.force = force
        self.host = host
        self.part = part or Part()
        self.facts = dict(facts or {})
        self.record: RunRecord | None = None
        self.alone = alone

    def plan(self) -> Plan:
        """Return the plan, with its problems, importing nothing of the user's.

        Raises:
            UsageError: There is no such pipeline.
            ConfigError: Its file cannot be read.
        """
        with without_collections(for_good=False):  # a plan is many small tables, none of them garbage
            return self._plan(self._open_project(), self.host)[0]

    def selected_plan(self) -> Plan:
        """Return the checked plan of the part that :meth:`run` would run, importing nothing of the user's.

        Raises:
            TipiError: It cannot run: its class says why.
        """
        plan = self.plan()
        plan.check()
        self._check_forced(plan.config)
        return plan.only(self.part)

    def load_host(self) -> PluginHost:
        """Return the plugins: those given, else those installed and not blocked by the project."""
        if self.host is None:
            self.host = PluginHost.load(block=self._open_project().blocked)
        return self.host

    def run(self) -> RunResult:
        """Run the pipeline to its end.

        Raises:
            TipiError: It cannot run: its class says why; nothing was built and no folder made.
            Exception: What the user's code raised, as it is, with a note that names the process.
        """
        project = self._open_project()
        plan, resolver = self._plan(project, self.host)
        plan.check()
        self._check_forced(plan.config)
        plan = plan.only(self.part)
        config = plan.config
        root = project.root or Path.cwd()
        facts = {**_facts(config, project), **self.facts}
        run = Run(config.name, "pipeline", root, seed=config.seed, host=resolver.host.for_run(), facts=facts)
        run.secrets |= config.secrets
        folder = runs_folder(root) / run.name / run.id
        plan = plan.in_run({"dir": str(folder), "id": run.id, "name": run.name})
        with activate(run), ProjectImports(project.root) as imports:
            run.preparing = True
            with without_collections(for_good=self.alone):
                components = plan.load(imports, resolver)
            run.preparing = False
            with handle_signals(run):
                controller = PipelineController(run, plan.config, components, resolver.import_trusted)
                return self._execute(controller, plan)

    def _open_project(self) -> Project:
        project = open_project(self.project)
        if project.root is None and ("/" in self.name or self.name.endswith(".toml")):
            folder = Path(self.name).resolve().parent
            return open_project(find_root(folder) or (folder if folder.is_dir() else None))
        return project

    def _plan(self, project: Project, host: PluginHost | None) -> tuple[Plan, Resolver]:
        name, path = find_pipeline(project, self.name, self.config)
        config, problems = read_pipeline(name, path, self.overrides)
        host = host or PluginHost.load(block=project.blocked)
        resolver = Resolver(project, host, self.types)
        return make_plan(config, resolver, problems), resolver

    def _execute(self, controller: PipelineController, plan: Plan) -> RunResult:
        start = time.perf_counter()
        run = controller.run
        record = self.record = run.open_record()
        with _without_trace(run), _closing(run, controller):
            if record is not None:
                record.write_config(to_toml(plan.config.data, plan.config.secrets))
            run.host.register("core", CoreProviders())
            run.host.run_started(run)
            _seed(run)
            for resolved in plan.permanences:
                run.safe_point()
                controller.build(resolved.spec)
            _start_logging(run)
            specs = [resolved.spec for resolved in plan.processes]
            processes = [controller.construct(spec, self.is_forced(spec.name, spec.force)) for spec in specs]
            _execute_all(run, controller, processes)
        path = record.path if record is not None else None
        seconds = time.perf_counter() - start
        return RunResult(run.name, run.id, path, dict(run.results), dict(run.latest_metrics), seconds)

    def _check_forced(self, config: PipelineConfig) -> None:
        names = [spec.name for spec in config.processes]
        for name in [] if isinstance(self.force, bool) else self.force:
            if name not in names:
                raise UsageError(f"--force {name}: no such process", hint=did_you_mean(name, names, "processes"))

    def is_forced(self, name: str, in_config: bool = False) -> bool:
        """Return whether a process is executed even where it would be skipped."""
        return in_config or self.force is True or (not isinstance(self.force, bool) and name in self.force)


@contextmanager
def _without_trace(run: Run) -> Iterator[None]:
    """Leave no record of a run whose input a constructor refused: nothing ran."""
    try:
        yield
    except TipiError as error:
        if error.exit_code == UsageError.exit_code and run.record is not None:
            from tipi_core.records.removing import delete_unused

            with suppress(OSError, StorageError):
                delete_unused(run.record.path)
        raise


def _execute_all(run: Run, controller: PipelineController, processes: Sequence[BoundProcess]) -> None:
    from tipi_core.progress import progress_bar

    with progress_bar(total=len(processes), desc=run.name, unit="process", leave=False) as bar:
        for process in processes:
            run.safe_point()
            bar.set_postfix_str(process.name)
            controller.execute(process)
            controller.checkpoint()
            bar.update()
    run.safe_point()


@contextmanager
def _closing(run: Run, controller: PipelineController) -> Iterator[None]:
    """Release everything when the block ends, however it ends; the first error is the one that leaves."""
    try:
        yield
    except BaseException as error:
        run.note_failures(controller.close(), error)
        state = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
        run.close(state, error, exit_code=exit_code_of(error))
        raise
    failures = controller.close()
    if not failures:
        run.close("completed", exit_code=0)
        return
    label, first = failures[0]
    first.add_note(f"while {label} was cleaned up")
    run.note_failures(failures[1:], first)
    run.close("failed", first, exit_code=exit_code_of(first))
    raise first


def _seed(run: Run) -> None:
    """Seed every generator with the run's seed; those of libraries that are imported later, when they are."""
    if run.seed is not None:
        from tipi_core.devices import device_manager

        device_manager.seed_everything(run.seed)


def _start_logging(run: Run) -> None:
    """Start what a ``logger.init`` at the top of the user's modules asked for, unless a permanence did."""
    from tipi_core.metrics import start_pending

    start_pending(run)


def _facts(config: PipelineConfig, project: Project) -> dict[str, Any]:
    return {
        "command": mask_command(getattr(sys, "orig_argv", sys.argv), config.secrets),
        "pipeline": config.name,
        "config_file": str(config.path),
        "project": str(project.root or ""),
    }
