"""The process ``TrainingProcess``: trains a network and keeps the weights of its best epoch."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext, suppress
from typing import TYPE_CHECKING, Annotated, Any, Literal

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, ReduceLROnPlateau

from tipi.plugin import ConfigError, GuardStop, Meta, NameOf, PipelineProcess, device_manager, logger, progress_bar
from tipi_plugins.builtin import fitting, recipes
from tipi_plugins.builtin.checking import find_unknown
from tipi_plugins.builtin.evaluation import device_of, evaluate, length_of, loader_of, to_device
from tipi_plugins.builtin.guarding import LossGuard, NotFinite
from tipi_plugins.builtin.keeping import BestWeights, Keeper, find_usual
from tipi_plugins.builtin.measures import Tally, find_measures
from tipi_plugins.builtin.targets import FAULTS, Wanted, locating, look_at_first

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tipi.plugin import PipelineController

Counting = Annotated[int, Meta(ge=1)]
NotNegative = Annotated[float, Meta(ge=0)]
Positive = Annotated[float, Meta(gt=0)]
LossName = Annotated[str, NameOf("loss", "tipi_plugins.builtin.known:losses")]
MetricName = Annotated[str, NameOf("metric", "tipi_plugins.builtin.known:metrics")]
HOOKS = ("train_epoch", "train_step", "learn", "loss", "metrics", "validate_epoch", "make_optimizer", "make_scheduler")
AS_IT_IS = nullcontext()
DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16}


class TrainingProcess(PipelineProcess):
    """Trains the permanence ``network`` on ``data.train_loader`` and leaves it with the weights of its best epoch.

    The best epoch is the one with the lowest loss on ``data.val_loader``; without that part, the last. To change one
    thing, override one method: :meth:`train_step`, :meth:`loss`, :meth:`metrics`, :meth:`make_optimizer` or
    :meth:`make_scheduler`.

    Args:
        controller: What the process sees of the run; the permanences ``network`` and ``data`` are needed.
        force: Execute even where a subclass's ``skip`` would say no.
        epochs: How many times the data is gone through, 1 or more.
        learning_rate: The optimizer's (highest) rate, a factor of each step, 0 or more.
        optimizer: A class of ``torch.optim`` in any case (``AdamW``, ``sgd``), or ``module:Name``.
        optimizer_params: More arguments of the optimizer, such as ``{ momentum = 0.9 }``.
        weight_decay: The share of each weight that a step takes away, times the rate, where it is decoupled as in AdamW
            (Loshchilov and Hutter, 2019); None leaves the optimizer's own default, which is 0.01 for AdamW.
        loss: A function of ``torch.nn.functional`` (``cross_entropy``), a class of ``torch.nn``, or ``module:Name``;
            it takes outputs and targets and returns the mean of a batch.
        loss_params: More arguments of the loss.
        label_smoothing: The share of the target that is spread evenly over all classes, from 0 to 1 (Szegedy et al.,
            2016); for ``cross_entropy``.
        schedule: ``cosine`` lowers the rate to zero along half a cosine, once (Loshchilov and Hutter, 2017, without
            restarts); ``constant`` does not; else a class of ``torch.optim.lr_scheduler`` or ``module:Name``.
        schedule_params: Arguments of the scheduler's class; not for ``cosine`` and ``constant``.
        schedule_per: When the scheduler steps: after each ``step`` of the optimizer or each ``epoch``; None takes
            ``step`` for ``cosine``, ``constant``, ``OneCycleLR`` and ``CyclicLR``, ``epoch`` for the others.
        warmup: The share of all steps in which the rate rises evenly from zero, from 0 to 1 (Goyal et al., 2017); for
            the built-in schedules.
        accumulate: Batches whose gradients are averaged for one step of the optimizer, 1 or more; each batch counts
            the same, and the last group of an epoch may have fewer.
        clip_norm: The largest Euclidean norm of all gradients together; larger ones are scaled down (Pascanu et al.,
            2013). None does not clip.
        clip_value: The largest absolute value of one gradient's element; applied before ``clip_norm``. None does not.
        precision: ``float32``, or ``bfloat16`` or ``float16`` for the operations that are safe in it (Micikevicius et
            al., 2018): weights stay float32, and with ``float16`` the loss is scaled.
        patience: Stop after so many epochs in which ``monitor`` did not get better; 0 never does.
        min_delta: By how much it must get better to count, in its own unit.
        monitor: The metric by which the best epoch is chosen, as it is logged.
        mode: ``min`` where less of it is better, ``max`` where more is.
        checkpoint: Whether the best, the last two and the last finite epoch are saved in the run's record.
        metrics: Metrics of the validation data besides the loss: ``accuracy``, ``top5``, ``f1``, ``precision``,
            ``recall``, ``balanced_accuracy``, ``mae``, ``mse``, or ``module:function`` of outputs and targets; None
            takes the accuracy of a classifier.
        callbacks: Functions as ``module:function``, called after each epoch with this process, the epoch's number
            and its figures; training stops where one returns True.

    Example:
        >>> class Weighted(TrainingProcess):  # doctest: +SKIP
        ...     def loss(self, outputs, targets):
        ...         return super().loss(outputs, targets) + 0.01 * outputs.square().mean()
    """

    def __init__(
        self,
        controller: PipelineController,
        force: bool = False,
        epochs: Counting = 10,
        learning_rate: NotNegative = 0.001,
        *,
        optimizer: Annotated[str, NameOf("optimizer", "tipi_plugins.builtin.known:optimizers")] = "AdamW",
        optimizer_params: dict[str, Any] | None = None,
        weight_decay: NotNegative | None = None,
        loss: LossName = "cross_entropy",
        loss_params: dict[str, Any] | None = None,
        label_smoothing: Annotated[float, Meta(ge=0, le=1)] = 0.0,
        schedule: Annotated[str, NameOf("schedule", "tipi_plugins.builtin.known:schedules")] = "cosine",
        schedule_params: dict[str, Any] | None = None,
        schedule_per: Literal["step", "epoch"] | None = None,
        warmup: Annotated[float, Meta(ge=0, le=1)] = 0.05,
        accumulate: Counting = 1,
        clip_norm: Positive | None = None,
        clip_value: Positive | None = None,
        precision: Literal["float32", "bfloat16", "float16"] = "float32",
        patience: Annotated[int, Meta(ge=0)] = 0,
        min_delta: NotNegative = 0.0,
        monitor: str = "val/loss",
        mode: Literal["min", "max"] = "min",
        checkpoint: bool = True,
        metrics: list[MetricName] | None = None,
        callbacks: list[Annotated[str, NameOf("callback")]] | None = None,
    ) -> None:
        super().__init__(controller, force)
        self.epochs = fitting.at_least(1, epochs, "epochs")
        self.learning_rate = fitting.at_least(0, learning_rate, "learning_rate")
        self.weight_decay = None if weight_decay is None else fitting.at_least(0, weight_decay, "weight_decay")
        self.warmup = fitting.at_least(0, warmup, "warmup")
        self.accumulate = fitting.at_least(1, accumulate, "accumulate")
        self.clip_norm, self.clip_value = clip_norm, clip_value
        self.precision = precision
        self.patience = fitting.at_least(0, patience, "patience")
        self.min_delta, self.monitor, self.mode = fitting.at_least(0, min_delta, "min_delta"), monitor, mode
        self.checkpoint = checkpoint
        smoothing = {"label_smoothing": label_smoothing} if label_smoothing else {}
        self.criterion = recipes.find_loss(controller, loss, smoothing | (loss_params or {}))
        self.schedule, self.schedule_params, self.schedule_per = schedule, schedule_params, schedule_per
        self._own = {name for name in HOOKS if getattr(type(self), name) is not getattr(TrainingProcess, name)}
        self._check_names(optimizer, optimizer_params)
        self.measures = find_measures(controller, metrics)
        self.callbacks = [recipes.find_function(controller, name, "callback") for name in callbacks or ()]
        self.network: Any = controller.get_permanence("network")
        self.data: Any = controller.get_permanence("data")
        self.optimizer: Optimizer
        self.scheduler: Any
        self.scaler: torch.amp.GradScaler | None = None
        self.batch_index = 0
        self._used_gradients = True
        self.wanted = Wanted.by(loss, loss_params)
        fitting.check_training(self, self._own, metrics)

    def execute(self) -> dict[str, Any]:
        """Train, go back to the weights of the best epoch, and return its figures.

        Returns:
            ``split`` (``"train"``), ``loss`` as the mean over the batches of the best epoch while it was trained,
            ``epochs`` that were trained, and ``best_epoch`` counted from 1.

        Raises:
            GuardStop: The loss of a batch is not finite, or what the best epoch is chosen by is not from the start.
        """
        model, device = self.network.model, device_of(self.network)
        self.optimizer = self.make_optimizer(model)
        self.scheduler = self.make_scheduler(self.optimizer, self.epochs * self.count_updates())
        if self.precision == "float16":
            self.scaler = torch.amp.GradScaler(device.type)
            vars(self.optimizer)["_opt_called"] = True  # a first step that the scaler leaves out is no reason to warn
        if device.type != "cpu" and self.wanted.classes and "loss" not in self._own:
            look_at_first(self, self.wanted)
        best = BestWeights(model, self.monitor, self.mode, self.min_delta)
        losses: list[float] = []
        with Keeper(self.controller.run, find_usual(model) if self.checkpoint else ()) as keeper:
            for epoch in progress_bar(range(1, self.epochs + 1), desc="Epochs"):
                figures = self._guarded_epoch(model, device, epoch, keeper)
                losses.append(figures["train/loss"])
                self._measure_epoch(model, device, epoch, figures, keeper)
                is_best = best.offer(epoch, self._score(figures))
                self._end_epoch(figures)
                if self.checkpoint:
                    keeper.save(self.state(model, epoch, figures), is_best)
                stop = [callback(self, epoch, figures) is True for callback in self.callbacks]
                if any(stop) or (self.patience and best.waited >= self.patience):
                    break
            best.restore()
        return {"split": "train", "loss": losses[best.epoch - 1], "epochs": len(losses), "best_epoch": best.epoch}

    def train_epoch(self, model: nn.Module, device: torch.device) -> dict[str, float]:
        """Go through the training data once; return the mean loss of its batches and the rate it ended with.

        Raises:
            ConfigError: The data gives no batches.
            NotFinite: The loss of a batch is not finite.
            TypeError: :meth:`train_step` returned no loss.
        """
        model.train()
        self._used_gradients = True  # a group of batches that ended too early leaves some
        guard, steps_schedule = LossGuard(), self._steps_schedule
        for index, batch in enumerate(progress_bar(self.data.train_loader, desc="Training", leave=False)):
            self.batch_index = index
            loss = guard.read(self.train_step(model, batch, device))
            if steps_schedule and self._ends_update():
                self.scheduler.step()
            logger.log({"train/batch_loss": loss})
            guard.take(index, loss)
        if not guard.count:
            raise ConfigError(
                "the training data gives no batches", hint="a generator gives them once: wrap it in a loader"
            )
        rate = float(self.optimizer.param_groups[0]["lr"])
        return {"train/loss": guard.mean(), "learning_rate": rate}

    def train_step(self, model: nn.Module, batch: Any, device: torch.device) -> Tensor | float:
        """Learn from one batch and return its loss, as a tensor or a number. Override it for another way to learn.

        ``self.optimizer`` is there to be stepped; the rate follows the schedule after each call. :meth:`learn` does
        what the parameters say about accumulation, clipping and precision.

        Args:
            model: The network's model, in training mode.
            batch: What the loader gives: inputs of shape (batch, ...), and targets of shape (batch, ...) or nested.
            device: Where the model is.
        """
        self._clear_gradients()  # before the outputs are computed: their memory is free for them
        inputs, targets = to_device(batch, device)
        with self.autocast(device):
            outputs = model(inputs)
            loss = self.loss(outputs, targets)
        self.learn(loss, model)
        return loss

    def learn(self, loss: Tensor, model: nn.Module) -> None:
        """Take a batch's loss into the gradients, and step the optimizer where its group of batches ends.

        Args:
            loss: The mean loss of the batch, one number with its graph.
            model: Whose gradients are clipped.
        """
        self._clear_gradients()
        share = loss / self._group_size() if self.accumulate > 1 else loss
        (share if self.scaler is None else self.scaler.scale(share)).backward()  # type: ignore[no-untyped-call]
        if not self._ends_update():
            return
        self._used_gradients = True
        if self.scaler is not None:
            self.scaler.unscale_(self.optimizer)
        if self.clip_value is not None:
            nn.utils.clip_grad_value_(model.parameters(), self.clip_value)
        if self.clip_norm is not None:
            nn.utils.clip_grad_norm_(model.parameters(), self.clip_norm)
        if self.scaler is None:
            self.optimizer.step()
        else:
            self.scaler.step(self.optimizer)
            self.scaler.update()

    def autocast(self, device: torch.device) -> AbstractContextManager[None]:
        """Return the context in which outputs and loss are computed, as ``precision`` says."""
        enabled = self.precision in DTYPES
        return device_manager.autocast(DTYPES.get(self.precision), enabled, device) if enabled else AS_IT_IS

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mean loss of a batch, as the parameter ``loss`` says. Override it for another.

        Args:
            outputs: What the model gave; scores of classes have the shape (batch, classes, ...).
            targets: What is right; class numbers have the shape (batch, ...).

        Raises:
            Misfit: The loss cannot take the targets, such as a class number for which there is no output.
        """
        try:
            return self.criterion(outputs, targets)
        except FAULTS as error:
            self.wanted.explain(error, outputs, targets)
            raise

    def metrics(self, outputs: Tensor, targets: Tensor) -> Mapping[str, Tensor]:  # noqa: ARG002 - for subclasses
        """Return more means over a batch of validation data by name, tensors or numbers. Override it to add some."""
        return {}

    def make_optimizer(self, model: nn.Module) -> Optimizer:
        """Return the optimizer, as the parameters say. Override it for another.

        Raises:
            ConfigError: It does not take the parameters.
        """
        name, factory, params = self._optimizer
        return recipes.build_optimizer(factory, name, model, self.learning_rate, self.weight_decay, params)

    def make_scheduler(self, optimizer: Optimizer, steps: int) -> Any:
        """Return what sets the rate, where ``steps`` steps of the optimizer are ahead. Override it for another.

        Raises:
            ConfigError: It does not take the parameters.
        """
        length = steps if self._per() == "step" else self.epochs
        if self._scheduler is None:
            return LambdaLR(optimizer, lambda step: recipes.rate_factor(step, length, self.schedule, self.warmup))
        params = self.schedule_params
        if self.schedule.lower() == "onecyclelr":
            params = {"max_lr": self.learning_rate} | dict(params or {})
        elif self.schedule.lower() == "reducelronplateau":
            params = {"mode": self.mode} | dict(params or {})
        return recipes.build_schedule(self._scheduler, self.schedule, optimizer, length, params)

    def validate_epoch(self, model: nn.Module, device: torch.device) -> dict[str, float]:
        """Return loss and metrics on the validation data, or nothing where there is none."""
        loader = loader_of(self.data, "val")
        if length_of(loader) == 0:
            return {}
        tally = Tally(device, self.measures, ignored=self.wanted.ignored)
        figures = evaluate(model, loader, device, self.loss, "Validation", leave=False, more=self.metrics, tally=tally)
        return {f"val/{name}": value for name, value in figures.items()}

    def state(self, model: nn.Module, epoch: int, figures: Mapping[str, float]) -> dict[str, Any]:
        """Return what a checkpoint holds, as plain types and tensors."""
        scaler = {} if self.scaler is None else {"scaler": self.scaler.state_dict()}
        return {
            "model": model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "epoch": epoch,
            "figures": dict(figures),
            **recipes.schedule_state(self.scheduler),
            **scaler,
        }

    @property
    def factories(self) -> tuple[Callable[..., Any], Callable[..., Any] | None]:
        """What makes the optimizer, and what makes the scheduler where that is not a built-in one."""
        return self._optimizer[1], self._scheduler

    def _check_names(self, optimizer: str, params: dict[str, Any] | None) -> None:
        """Find what the names mean before anything is trained."""
        self._optimizer = (optimizer, recipes.find_optimizer(self.controller, optimizer), params)
        if not self._own & {"train_epoch", "train_step", "learn"}:
            recipes.check_step(self._optimizer[1], optimizer)
        built_in = self.schedule in recipes.SCHEDULES
        self._scheduler = None if built_in else recipes.find_schedule(self.controller, self.schedule)
        if built_in and self.schedule_params:
            raise ConfigError(f"schedule {self.schedule!r} takes no schedule_params", hint="it has warmup")

    def _guarded_epoch(self, model: nn.Module, device: torch.device, epoch: int, keeper: Keeper) -> dict[str, float]:
        try:
            with locating("training", lambda: self.batch_index):
                return self.train_epoch(model, device)
        except NotFinite as error:
            keeper.flush()
            what = f"the training loss of epoch {epoch} is {error.loss} at batch {error.batch}, counted from 0"
            raise GuardStop(f"{what}; {keeper.good}", hint="lower learning_rate, or set clip_norm") from None

    def _measure_epoch(
        self, model: nn.Module, device: torch.device, epoch: int, figures: dict[str, float], keeper: Keeper
    ) -> None:
        """Add the validation's figures and log them; where that is cut short, what the epoch learned is kept."""
        try:
            figures |= self.validate_epoch(model, device)
            logger.log({"epoch": epoch, **figures})
        except BaseException:
            with suppress(RuntimeError):  # of a GPU that gave up
                if self.checkpoint:
                    keeper.save(self.state(model, epoch, figures), is_best=False)
            raise

    def _score(self, figures: Mapping[str, float]) -> float | None:
        if self.monitor in figures:
            return figures[self.monitor]
        if self.monitor != "val/loss":
            fitting.refuse(find_unknown(self.monitor, list(figures)))
        return None

    def _per(self) -> str:
        per_step = self.schedule.lower() in (*recipes.SCHEDULES, "onecyclelr", "cycliclr")
        per_step = per_step and length_of(loader_of(self.data, "train")) is not None
        return self.schedule_per or ("step" if per_step else "epoch")

    def _clear_gradients(self) -> None:
        """Drop the gradients that the optimizer has used; until then they can be looked at."""
        if self._used_gradients:
            self.optimizer.zero_grad()
            self._used_gradients = False

    @property
    def _steps_schedule(self) -> bool:
        return self._per() == "step" and not isinstance(self.scheduler, ReduceLROnPlateau)

    def _end_epoch(self, figures: Mapping[str, float]) -> None:
        if isinstance(self.scheduler, ReduceLROnPlateau):
            self.scheduler.step(figures.get(self.monitor, figures["train/loss"]))
        elif self._per() == "epoch":
            self.scheduler.step()

    def count_updates(self) -> int:
        """Return the number of steps of the optimizer in an epoch."""
        return -(-(length_of(loader_of(self.data, "train")) or 1) // self.accumulate)

    def _ends_update(self) -> bool:
        position = self.batch_index + 1
        return position % self.accumulate == 0 or (self.accumulate > 1 and position == len(self.data.train_loader))

    def _group_size(self) -> int:
        start = self.batch_index - self.batch_index % self.accumulate
        return min(self.accumulate, len(self.data.train_loader) - start)
