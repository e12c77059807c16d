"""The processes ``ValidationProcess`` and ``TestingProcess``: loss and metrics on a part that was not trained on."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING, Annotated, Any, Literal

import torch
from torch import Tensor, nn

from tipi.plugin import ConfigError, NameOf, PipelineProcess, device_manager, logger, progress_bar
from tipi_plugins.builtin.confusion import draw_confusion
from tipi_plugins.builtin.keeping import load_best
from tipi_plugins.builtin.measures import Tally, class_names, find_measures, format_answers, format_classes
from tipi_plugins.builtin.recipes import find_loss
from tipi_plugins.builtin.targets import FAULTS, Wanted, locating

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tipi.plugin import PipelineController

LOG = logging.getLogger("tipi")
LossName = Annotated[str, NameOf("loss", "tipi_plugins.builtin.known:losses")]
MetricName = Annotated[str, NameOf("metric", "tipi_plugins.builtin.known:metrics")]


class EvaluationProcess(PipelineProcess):
    """Measures the permanence ``network`` on one part of the permanence ``data``.

    A subclass says which part, and may override :meth:`loss` or :meth:`metrics`.

    Args:
        controller: What the process sees of the run.
        force: Execute even where :meth:`skip` would say no.
        loss: As in ``TrainingProcess``.
        loss_params: More arguments of the loss.
        metrics: As in ``TrainingProcess``.
    """

    split = ""
    title = ""
    counts_classes = False

    def __init__(
        self,
        controller: PipelineController,
        force: bool = False,
        *,
        loss: LossName = "cross_entropy",
        loss_params: dict[str, Any] | None = None,
        metrics: list[MetricName] | None = None,
    ) -> None:
        super().__init__(controller, force)
        self.criterion = find_loss(controller, loss, loss_params)
        self.wanted = Wanted.by(loss, loss_params)
        self.measures = find_measures(controller, metrics)
        self.asked = [name.rpartition(":")[2] for name in metrics or ()]
        self.network: Any = controller.get_permanence("network")
        self.data: Any = controller.get_permanence("data")
        self.loader = loader_of(self.data, self.split)
        self.tally: Tally

    def skip(self) -> bool | str:
        """Say so where the data has no such part."""
        return False if length_of(self.loader) != 0 else f"the data has no {self.split} part"

    def execute(self) -> dict[str, Any]:
        """Measure, log, and return ``split``, ``loss`` and the metrics."""
        device = device_of(self.network)
        self.tally = Tally(device, self.measures, self.counts_classes, self.wanted.ignored)
        figures = evaluate(
            self.network.model, self.loader, device, self.loss, self.title, more=self.metrics, tally=self.tally
        )
        logger.log({f"{self.split}/{name}": value for name, value in figures.items()})
        if not math.isfinite(figures["loss"]):
            LOG.warning("the %s loss is %s: look for NaN in that part of the data", self.split, figures["loss"])
        missing = [name for name in self.asked if name not in figures]
        if missing:
            what = "outputs and targets are not scores of classes and class numbers"
            LOG.warning("%s: not measured on the %s part: %s", ", ".join(missing), self.split, what)
        return {"split": self.split, **figures}

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mean loss of a batch, as the parameter ``loss`` says. Override it for another.

        Raises:
            Misfit: The loss cannot take the targets, such as a class number for which there is no output.
        """
        try:
            return self.criterion(outputs, targets)
        except FAULTS as error:
            self.wanted.explain(error, outputs, targets)
            raise

    def metrics(self, outputs: Tensor, targets: Tensor) -> Mapping[str, Tensor]:  # noqa: ARG002 - for subclasses
        """Return more means over a batch, by name. Override it to add some."""
        return {}


class ValidationProcess(EvaluationProcess):
    """Measures the network on ``data.val_loader``.

    Args:
        controller: What the process sees of the run; the permanences ``network`` and ``data`` are needed.
        force: An error in place of skipping where the data has no such part.
        loss: As in ``TrainingProcess``.
        loss_params: More arguments of the loss.
        metrics: As in ``TrainingProcess``.
    """

    split = "val"
    title = "Validation"


class TestingProcess(EvaluationProcess):
    """Measures the network on ``data.test_loader``, by which nothing was chosen.

    For a classifier, a table of the classes and of all answers goes to ``artifacts/test-classes.txt`` of the record,
    and the answers are logged as the figure ``test/confusion``: PNG where matplotlib is installed, else SVG. Of more
    than 100 classes the table has the most frequent mistakes, of more than 1000 only the numbers of each class.

    Args:
        controller: What the process sees of the run; the permanences ``network`` and ``data`` are needed.
        force: An error in place of skipping where the data has no such part.
        weights: ``best`` takes the run's best checkpoint, if there is one, and says so in the result's ``weights`` and
            ``best_epoch`` and in the record's events; ``current`` takes the network as it is.
        loss: As in ``TrainingProcess``.
        loss_params: More arguments of the loss.
        metrics: As in ``TrainingProcess``.
    """

    __test__ = False  # no test class, whatever pytest makes of its name
    split = "test"
    title = "Testing"
    counts_classes = True

    def __init__(
        self,
        controller: PipelineController,
        force: bool = False,
        *,
        weights: Literal["best", "current"] = "best",
        loss: LossName = "cross_entropy",
        loss_params: dict[str, Any] | None = None,
        metrics: list[MetricName] | None = None,
    ) -> None:
        super().__init__(controller, force, loss=loss, loss_params=loss_params, metrics=metrics)
        self.weights = weights

    def execute(self) -> dict[str, Any]:
        """Measure, log, write the tables, and return ``split``, ``loss``, the metrics and which weights were used."""
        used = (self._take_best() if self.weights == "best" else None) or {"weights": "current"}
        result = super().execute()
        if self.tally.by_class is not None:
            self._write_tables(self.tally.by_class, self.tally.confusion)
        return {**result, **used}

    def _take_best(self) -> dict[str, Any] | None:
        """Put the run's best weights into the network and say which they are; None where it has none that fit."""
        run = self.controller.run
        found = load_best(run)
        if found is None:
            return None
        name, state = found
        try:
            self.network.model.load_state_dict(state["model"])
        except (KeyError, RuntimeError):  # of another network: a run may train several
            return None
        path, epoch = f"checkpoints/{name}", state.get("epoch")
        run.event("weights_loaded", path=path, epoch=epoch, process=self.title)
        return {"weights": path, **({} if epoch is None else {"best_epoch": epoch})}

    def _write_tables(self, by_class: Tensor, confusion: Tensor | None) -> None:
        record = self.controller.run.open_record()
        if record is None:
            return
        names = class_names(getattr(self.data, "classes", []), by_class.shape[1])
        text = format_classes(by_class.cpu(), names)
        if confusion is not None:
            text += "\n" + format_answers(confusion.cpu(), names)
            figure = draw_confusion(confusion.tolist(), names, f"{self.title}: answers")
            logger.log_figure(f"{self.split}/confusion", figure)
        (record.artifacts / f"{self.split}-classes.txt").write_text(text, encoding="utf-8")


def loader_of(data: Any, split: str) -> Any:
    """Return the loader of one part; an empty one where the data, perhaps the user's own, has no such part."""
    loader = getattr(data, f"{split}_loader", None)
    return () if loader is None else loader


def length_of(loader: Any) -> int | None:
    """Return the number of a loader's batches, or None where it does not tell, such as one over a stream.

    Example:
        >>> length_of([1, 2]), length_of(iter([1, 2]))
        (2, None)
    """
    try:
        return len(loader)
    except (TypeError, NotImplementedError):
        return None


def device_of(network: Any) -> torch.device:
    """Return where a network is: what it says itself, else the run's device."""
    device: torch.device | None = getattr(network, "device", None)
    return device or device_manager.get_device()


def to_device(batch: Any, device: torch.device) -> tuple[Any, Any]:
    """Return the inputs and the targets of a batch on the device; towards a GPU the copies do not block.

    Raises:
        TypeError: The batch is no pair.
    """
    if not isinstance(batch, (tuple, list)) or len(batch) != 2:
        raise TypeError(
            f"a batch is {_describe(batch)}; wanted are inputs and targets: wrap the dataset, or override train_step "
            "and validate_epoch"
        )
    inputs, targets = batch
    return _to_device(inputs, device), _to_device(targets, device)


def _to_device(part: Any, device: torch.device) -> Any:
    if isinstance(part, Tensor):
        return part.to(device, non_blocking=device.type == "cuda")
    return device_manager.to(part, device)


def _describe(batch: Any) -> str:
    size = f" of {len(batch)}" if hasattr(batch, "__len__") else ""
    return f"a {type(batch).__name__}{size}"


def evaluate(
    model: nn.Module,
    loader: Iterable[Any],
    device: torch.device,
    loss: Callable[[Tensor, Tensor], Tensor],
    title: str,
    leave: bool = True,
    *,
    more: Callable[[Tensor, Tensor], Mapping[str, Tensor]] | None = None,
    tally: Tally | None = None,
) -> dict[str, float]:
    """Return the means over all items of ``loss`` and of what else is measured.

    The sums stay on the device until the end, so nothing waits for a transfer within the loop.

    Args:
        model: Gives outputs for inputs; in evaluation mode while it is measured.
        loader: Batches of ``(inputs, targets)``, one or more.
        device: Where the model is.
        loss: From outputs and targets to the mean loss of a batch.
        title: The description of the bar.
        leave: Whether the bar stays on the screen.
        more: From outputs and targets to more means of a batch, by name.
        tally: Where the sums are kept, and what is measured; None measures the loss and the accuracy of a classifier.

    Raises:
        ConfigError: The loader gives nothing.
    """
    training = model.training
    model.eval()
    tally = tally or Tally(device)
    bar = progress_bar(loader, desc=title, leave=leave)
    with torch.no_grad(), locating(title.lower(), lambda: int(bar.n)):
        for batch in bar:
            inputs, targets = to_device(batch, device)
            outputs = model(inputs)
            tally.add(outputs, targets, loss(outputs, targets), more(outputs, targets) if more else {})
        model.train(training)
        if not tally.count:
            raise ConfigError(
                f"{title.lower()} has no items", hint="give that part a share with val_fraction, test_fraction"
            )
        return tally.figures()
