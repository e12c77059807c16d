"""The processes ``ValidationProcess`` and ``TestingProcess``: loss and accuracy on a part that was not trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from tipi.plugin import ConfigError, PipelineProcess, device_manager, logger, progress_bar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tipi.plugin import PipelineController


class EvaluationProcess(PipelineProcess):
    """Measures the permanence ``network`` on one part of the permanence ``data``.

    A subclass says which part, and may override :meth:`loss`.

    Args:
        controller: What the process sees of the run.
        force: Execute even where :meth:`skip` would say no.
    """

    split = ""
    title = ""

    def __init__(self, controller: PipelineController, force: bool = False) -> None:
        super().__init__(controller, force)
        self.network: Any = controller.get_permanence("network")
        self.loader = loader_of(controller.get_permanence("data"), self.split)

    def skip(self) -> bool | str:
        """Say so where the data has no such part."""
        return False if len(self.loader) else f"the data has no {self.split} part"

    def execute(self) -> dict[str, Any]:
        """Measure, log, and return ``{"split", "loss", "accuracy"}``."""
        figures = evaluate(self.network.model, self.loader, device_of(self.network), self.loss, self.title)
        logger.log({f"{self.split}/{name}": value for name, value in figures.items()})
        return {"split": self.split, **figures}

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mean loss of a batch: cross entropy. Override it for another."""
        return functional.cross_entropy(outputs, targets)


class ValidationProcess(EvaluationProcess):
    """Measures the network on ``data.val_loader``.

    Args:
        controller: What the process sees of the run; the permanences ``network`` and ``data`` are needed.
        force: An error in place of skipping where the data has no such part.
    """

    split = "val"
    title = "Validation"


class TestingProcess(EvaluationProcess):
    """Measures the network on ``data.test_loader``, by which nothing was chosen.

    Args:
        controller: What the process sees of the run; the permanences ``network`` and ``data`` are needed.
        force: An error in place of skipping where the data has no such part.
    """

    __test__ = False  # no test class, whatever pytest makes of its name
    split = "test"
    title = "Testing"


def loader_of(data: Any, split: str) -> Any:
    """Return the loader of one part; an empty one where the data, perhaps the user's own, has no such part."""
    loader = getattr(data, f"{split}_loader", None)
    return () if loader is None else loader


def device_of(network: Any) -> torch.device:
    """Return where a network is: what it says itself, else the run's device."""
    device: torch.device | None = getattr(network, "device", None)
    return device or device_manager.get_device()


def evaluate(
    model: nn.Module,
    loader: Iterable[Any],
    device: torch.device,
    loss: Callable[[Tensor, Tensor], Tensor],
    title: str,
    leave: bool = True,
) -> dict[str, float]:
    """Return the mean ``loss`` over all items and, for classes, the ``accuracy`` from 0 to 1.

    The sums stay on the device until the end, so nothing waits for a transfer within the loop.

    Args:
        model: Gives outputs for inputs; in evaluation mode while it is measured.
        loader: Batches of ``(inputs, targets)``, one or more.
        device: Where the model is.
        loss: From outputs and targets to the mean loss of a batch.
        title: The description of the bar.
        leave: Whether the bar stays on the screen.

    Raises:
        ConfigError: The loader gives nothing.
    """
    training = model.training
    model.eval()
    total, correct = torch.zeros((), device=device), torch.zeros((), device=device)
    count, answers = 0, 0
    with torch.no_grad():
        for batch in progress_bar(loader, desc=title, leave=leave):
            inputs, targets = (part.to(device, non_blocking=device.type == "cuda") for part in batch)
            outputs = model(inputs)
            total += loss(outputs, targets) * len(targets)
            count += len(targets)
            if is_classification(outputs, targets):
                correct += (outputs.argmax(dim=1) == targets).sum()
                answers += targets.numel()
    model.train(training)
    if not count:
        raise ConfigError(
            f"{title.lower()} has no items", hint="give that part a share with val_fraction, test_fraction"
        )
    figures = {"loss": total.item() / count}
    return figures | {"accuracy": correct.item() / answers} if answers else figures


def is_classification(outputs: Tensor, targets: Tensor) -> bool:
    """Return whether outputs are scores of classes in dimension 1 and targets the numbers of the right ones."""
    return outputs.ndim == targets.ndim + 1 and not targets.is_floating_point()
