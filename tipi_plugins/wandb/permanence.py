"""The permanence that tells the logger of a pipeline about W&B."""

from __future__ import annotations

from typing import Any

from tipi.plugin import PipelineController, logger


class WandBManager:
    """Sends the metrics of a pipeline to W&B where that is possible; what it provides is the run as the logger sees it.

    The parameters of the pipeline's processes and permanences become the run's config.

    Args:
        controller: What the run provides.
        project: The project; W&B's default when not given.
        entity: The user or team.
        name: The run's name.
        tags: Words to find the run by.
        group: A name that several runs share.
        mode: ``online``, ``offline`` or ``disabled``; the record is written in each.
        notes: Free text.
        dir: Where W&B keeps its own files; the run's record when not given.
        job_type: What the run does, such as ``train``.
        resume: Whether W&B goes on with a run of the same id.
        id: The run's id in W&B; the record's own when not given.
        options: Anything else that ``wandb.init`` or ``wandb.Settings`` takes.

    Example:
        In a pipeline's file::

            [permanences.wandb_logger]
            type = "WandBManager"
            params = { project = "my_research", entity = "my_team" }
    """

    def __init__(
        self,
        controller: PipelineController | None = None,
        project: str | None = None,
        entity: str | None = None,
        name: str | None = None,
        tags: list[str] | None = None,
        group: str | None = None,
        mode: str | None = None,
        notes: str | None = None,
        dir: str | None = None,  # noqa: A002 - wandb's name
        job_type: str | None = None,
        resume: bool | str | None = None,
        id: str | None = None,  # noqa: A002 - wandb's name
        **options: Any,
    ) -> None:
        if controller is not None:
            options["config"] = {**_params_of(controller), **options.get("config", {})}
        self.run = logger.init(
            project=project, entity=entity, name=name, tags=tags, group=group, mode=mode, notes=notes, dir=dir,
            job_type=job_type, resume=resume, id=id, **options,
        )  # fmt: skip


def _params_of(controller: PipelineController) -> dict[str, Any]:
    """Return the parameters of everything but this permanence, by section and name."""
    sections = {"processes": controller.config.processes, "permanences": controller.config.permanences}
    return {
        section: {spec.name: dict(spec.params) for spec in specs if spec.params and spec.type != "WandBManager"}
        for section, specs in sections.items()
    }
