"""The process ``TrainingProcess``: trains a network and keeps the weights of its best epoch."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler

from tipi.plugin import ConfigError, GuardStop, PipelineProcess, logger, progress_bar
from tipi_plugins.builtin.evaluation import device_of, evaluate, loader_of

if TYPE_CHECKING:
    from tipi.plugin import PipelineController

N = TypeVar("N", int, float)


class TrainingProcess(PipelineProcess):
    """Trains the permanence ``network`` on ``data.train_loader`` and leaves it with the weights of its best epoch.

    The best epoch is the one with the lowest loss on ``data.val_loader``; without that part, the last. To change one
    thing, override one method: :meth:`train_step`, :meth:`loss`, :meth:`make_optimizer` or :meth:`make_scheduler`.

    Args:
        controller: What the process sees of the run; the permanences ``network`` and ``data`` are needed.
        force: Execute even where a subclass's ``skip`` would say no.
        epochs: How many times the data is gone through.
        learning_rate: The highest rate of AdamW.
        weight_decay: AdamW's decoupled decay per step, relative to the rate.
        label_smoothing: The share of the target that is spread over all classes, from 0 to 1.
        schedule: ``cosine`` lowers the rate to zero along half a cosine; ``constant`` does not.
        warmup: The share of all steps in which the rate rises from zero, from 0 to 1.

    Example:
        >>> class Clipped(TrainingProcess):  # doctest: +SKIP
        ...     def train_step(self, model, batch, device):
        ...         self.optimizer.zero_grad()
        ...         loss = self.loss(model(batch[0].to(device)), batch[1].to(device))
        ...         loss.backward()
        ...         torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
        ...         self.optimizer.step()
        ...         return loss
    """

    def __init__(
        self,
        controller: PipelineController,
        force: bool = False,
        epochs: int = 10,
        learning_rate: float = 0.001,
        *,
        weight_decay: float = 0.01,
        label_smoothing: float = 0.0,
        schedule: Literal["cosine", "constant"] = "cosine",
        warmup: float = 0.05,
    ) -> None:
        super().__init__(controller, force)
        self.epochs = _at_least(1, epochs, "epochs")
        self.learning_rate = _at_least(0, learning_rate, "learning_rate")
        self.weight_decay = _at_least(0, weight_decay, "weight_decay")
        self.label_smoothing = _at_least(0, label_smoothing, "label_smoothing")
        self.schedule = schedule
        self.warmup = _at_least(0, warmup, "warmup")
        self.network: Any = controller.get_permanence("network")
        self.data: Any = controller.get_permanence("data")
        self.optimizer: Optimizer
        self.scheduler: LRScheduler

    def execute(self) -> dict[str, Any]:
        """Train, go back to the best epoch, and return its figures.

        Returns:
            ``split`` (``"train"``), ``loss`` and ``accuracy`` on the training data with the best weights,
            ``epochs``, and ``best_epoch`` counted from 1.

        Raises:
            GuardStop: The loss of an epoch is not finite.
        """
        model, device = self.network.model, device_of(self.network)
        self.optimizer = self.make_optimizer(model)
        self.scheduler = self.make_scheduler(self.optimizer, self.epochs * len(self.data.train_loader))
        best = BestWeights(model)
        for epoch in progress_bar(range(1, self.epochs + 1), desc="Epochs"):
            figures = self.train_epoch(model, device)
            if not math.isfinite(figures["train/loss"]):
                raise GuardStop(f"the training loss of epoch {epoch} is {figures['train/loss']}", hint="lower the rate")
            figures |= self.validate_epoch(model, device)
            logger.log({"epoch": epoch, **figures})
            best.offer(epoch, figures.get("val/loss"))
        best.restore()
        figures = evaluate(model, self.data.train_loader, device, self.loss, "Training set", leave=False)
        return {"split": "train", **figures, "epochs": self.epochs, "best_epoch": best.epoch}

    def train_epoch(self, model: nn.Module, device: torch.device) -> dict[str, float]:
        """Go through the training data once; return the mean loss of its batches and the rate it ended with."""
        model.train()
        total: Tensor | float = 0.0
        batches = 0
        for batch in progress_bar(self.data.train_loader, desc="Training", leave=False):
            loss = self.train_step(model, batch, device)
            self.scheduler.step()
            loss = loss.detach() if isinstance(loss, Tensor) else loss
            logger.log({"train/batch_loss": loss})
            total = total + loss
            batches += 1
        return {"train/loss": float(total) / batches, "learning_rate": float(self.scheduler.get_last_lr()[0])}

    def train_step(self, model: nn.Module, batch: Any, device: torch.device) -> Tensor | float:
        """Learn from one batch and return its loss, as a tensor or a number. Override it for another way to learn.

        ``self.optimizer`` is there to be stepped; the rate follows the schedule after each call.

        Args:
            model: The network's model, in training mode.
            batch: What the loader gives: inputs and targets.
            device: Where the model is.
        """
        inputs, targets = (part.to(device, non_blocking=device.type == "cuda") for part in batch)
        self.optimizer.zero_grad()
        loss = self.loss(model(inputs), targets)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        return loss

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mean loss of a batch: cross entropy. Override it for another."""
        return functional.cross_entropy(outputs, targets, label_smoothing=self.label_smoothing)

    def make_optimizer(self, model: nn.Module) -> Optimizer:
        """Return the optimizer: AdamW. Override it for another."""
        return AdamW(model.parameters(), lr=self.learning_rate, weight_decay=self.weight_decay)

    def make_scheduler(self, optimizer: Optimizer, steps: int) -> LRScheduler:
        """Return what sets the rate after each of ``steps`` steps. Override it for another."""
        return LambdaLR(optimizer, lambda step: rate_factor(step, steps, self.schedule, self.warmup))

    def validate_epoch(self, model: nn.Module, device: torch.device) -> dict[str, float]:
        """Return loss and accuracy on the validation data, or nothing where there is none."""
        loader = loader_of(self.data, "val")
        if not len(loader):
            return {}
        figures = evaluate(model, loader, device, self.loss, "Validation", leave=False)
        return {f"val/{name}": value for name, value in figures.items()}


class BestWeights:
    """Remembers a model's weights at its lowest loss; without losses, the last ones stay.

    Attributes:
        epoch: The best epoch so far.
    """

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.epoch = 0
        self._loss = math.inf
        self._state: dict[str, Tensor] | None = None

    def offer(self, epoch: int, loss: float | None) -> None:
        """Take the model as it is now if ``loss`` is the lowest so far."""
        if loss is None:
            self.epoch = epoch
        elif loss < self._loss:
            self.epoch, self._loss = epoch, loss
            self._state = {name: value.detach().clone() for name, value in self.model.state_dict().items()}

    def restore(self) -> None:
        """Put the best weights back into the model."""
        if self._state is not None:
            self.model.load_state_dict(self._state)


def rate_factor(step: int, steps: int, schedule: str, warmup: float) -> float:
    """Return by what the highest rate is multiplied in a step.

    Example:
        >>> [round(rate_factor(step, 10, "cosine", 0.2), 2) for step in (0, 1, 2, 6, 10)]
        [0.5, 1.0, 1.0, 0.5, 0.0]
    """
    rising = round(steps * warmup)
    if step < rising:
        return (step + 1) / rising
    if schedule == "constant":
        return 1.0
    return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising)))


def _at_least(least: int, value: N, name: str) -> N:
    if value < least:
        raise ConfigError(f"{name} is {value}", hint=f"it is {least} or more")
    return value
