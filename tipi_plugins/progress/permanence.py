"""The permanence that says how the bars of a pipeline look."""

from __future__ import annotations

from tipi.plugin import PipelineController, configure_display
from tipi_plugins.progress.options import LookOptions


class ProgressManager:
    """Configures the bars of the run; every parameter is optional.

    Args:
        controller: What the run provides.
        off: Show no bars at all.
        style: ``auto``, or ``plain`` for lines without control codes also on a terminal.
        columns: What to show, of ``desc bar percent count time rate postfix metrics``.
        theme: ``tipi``, ``ember``, ``forest``, ``mono``, ``plain``, or a table of Rich styles by part.
        refresh: Frames a second.
        interval: Seconds between two plain lines of a bar, at least.
        percent: Progress in percent between two plain lines of a bar.

    Raises:
        ConfigError: A value that is not known.

    Example:
        In a pipeline's file::

            [permanences.progress_manager]
            type = "ProgressManager"
            params = { theme = "ember", columns = ["desc", "bar", "count", "metrics"] }
    """

    def __init__(
        self,
        controller: PipelineController,
        off: bool = False,
        style: str = "auto",
        columns: list[str] | None = None,
        theme: str | dict[str, str] | None = None,
        refresh: float | None = None,
        interval: float | None = None,
        percent: float | None = None,
    ) -> None:
        run = controller.run
        given = {"refresh": refresh, "interval": interval, "percent": percent}
        configure_display(run, **{name: value for name, value in given.items() if value is not None})
        if off or style != "auto":
            configure_display(run, style="off" if off else style)
        run.service(LookOptions).change(columns, theme)
