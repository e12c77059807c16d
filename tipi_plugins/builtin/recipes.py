"""Optimizers, schedules, losses and callbacks by name: torch's, or anything as ``module:Name``."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn, optim
from torch.nn import functional
from torch.optim import Optimizer, lr_scheduler

from tipi.plugin import ConfigError, did_you_mean, plain_state

if TYPE_CHECKING:
    from types import ModuleType

    from tipi.plugin import PipelineController

SCHEDULES = ("cosine", "constant")
OWN_SCHEDULE = "no config can write it: name a function of yours as module:Name, which is called with the optimizer"
UNWRITABLE = {"lr_lambda": OWN_SCHEDULE, "schedulers": OWN_SCHEDULE}


def find_optimizer(controller: PipelineController, name: str) -> Callable[..., Optimizer]:
    """Return an optimizer's class: one of ``torch.optim`` in any case (``AdamW``, ``sgd``), or ``module:Name``.

    Raises:
        ConfigError: There is none of that name.
    """
    known = {key: value for key, value in vars(optim).items() if inspect.isclass(value) and key != "Optimizer"}
    return _find(controller, "optimizer", name, known)


def find_schedule(controller: PipelineController, name: str) -> Callable[..., Any]:
    """Return a scheduler's class: one of ``torch.optim.lr_scheduler`` (``StepLR``), or ``module:Name``.

    Raises:
        ConfigError: There is none of that name.
    """
    base = lr_scheduler.LRScheduler
    classes = {key: value for key, value in vars(lr_scheduler).items() if inspect.isclass(value) and key[0] != "_"}
    known = {key: value for key, value in classes.items() if issubclass(value, base) and value is not base}
    return _find(controller, "schedule", name, known, SCHEDULES)


def find_loss(
    controller: PipelineController, name: str, params: Mapping[str, Any] | None
) -> Callable[[Tensor, Tensor], Tensor]:
    """Return a loss: a function of ``torch.nn.functional``, a class of ``torch.nn``, or ``module:Name`` of either kind.

    Args:
        controller: Finds import strings under the project's trust rule.
        name: ``cross_entropy``, ``mse_loss``, ``SmoothL1Loss``, ``my_losses:focal``.
        params: Arguments of the class, or keywords of the function.

    Raises:
        ConfigError: There is none of that name, or it does not take ``params``.
    """
    known = _losses(functional, inspect.isfunction) | _losses(nn, inspect.isclass)
    found = _find(controller, "loss", name, known)
    given = dict(params or {})
    _check(found, given, "loss", name)
    if given.get("reduction") in ("sum", "none"):
        hint = "leave reduction out"
        raise ConfigError(f"a loss gives the mean of a batch, not reduction = {given['reduction']!r}", hint=hint)
    if inspect.isclass(found):
        return _make(found, given)
    return (lambda outputs, targets: found(outputs, targets, **given)) if given else found


def find_function(controller: PipelineController, name: str, kind: str) -> Callable[..., Any]:
    """Return the function behind ``module:function``.

    Args:
        controller: Finds import strings under the project's trust rule.
        name: The import string.
        kind: What it is wanted as, for messages: ``"callback"``.

    Raises:
        ConfigError: The name is no import string, or leads to nothing that can be called.
    """
    if ":" not in name:
        raise ConfigError(f"{kind} {name!r} is no import string", hint="write it as module:function")
    return _find(controller, kind, name, {})


def build_optimizer(
    factory: Callable[..., Optimizer], name: str, model: nn.Module, rate: float, decay: float | None, params: Any
) -> Optimizer:
    """Return an optimizer of the model's trainable parameters; without ``decay`` its own default stays.

    Raises:
        ConfigError: It does not take ``params``, or needs more.
    """
    given = {"lr": rate} | ({} if decay is None else {"weight_decay": decay}) | dict(params or {})
    _check(factory, given, "optimizer", name, first=True)
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer: Optimizer = _build(factory, learning, given, f"optimizer {name!r}")
    return optimizer


def build_schedule(
    factory: Callable[..., Any], name: str, optimizer: Optimizer, length: int, params: Mapping[str, Any] | None
) -> Any:
    """Return a scheduler; what says how long it runs (``total_steps``, ``T_max``, ``total_iters``) is filled in.

    Raises:
        ConfigError: It does not take ``params``, or needs more.
    """
    parameters = inspect.signature(factory).parameters
    lengths = {key: length for key in ("total_steps", "T_max", "total_iters") if key in parameters}
    if "epochs" in (params or {}) or factory is lr_scheduler.ConstantLR:  # whose total_iters tells when it stops
        lengths = {}
    given = lengths | dict(params or {})
    _check(factory, given, "schedule", name, first=True)
    return _build(factory, optimizer, given, f"schedule {name!r}")


def schedule_state(scheduler: Any) -> dict[str, Any]:
    """Return the scheduler's state under its word for a checkpoint; nothing where it has none that can be saved."""
    try:
        return {"scheduler": plain_state(scheduler.state_dict())}
    except (AttributeError, TypeError):  # a scheduler of the user's
        return {}


def is_of_torch(factory: Callable[..., Any]) -> bool:
    """Return whether a class or function is one of torch's own."""
    return getattr(factory, "__module__", "").partition(".")[0] == "torch"


def check_step(factory: Callable[..., Any], name: str) -> None:
    """Raise for an optimizer whose step wants to compute the loss itself, such as ``LBFGS``."""
    step = getattr(factory, "step", None)
    closure = inspect.signature(step).parameters.get("closure") if step is not None else None
    if closure is not None and closure.default is closure.empty:
        raise ConfigError(
            f"optimizer {name!r} computes the loss several times for each step, which this training does not do",
            hint="take another, or override train_step and call self.optimizer.step(closure) in it",
        )


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


def _find(
    controller: PipelineController, kind: str, name: str, known: Mapping[str, Any], more: tuple[str, ...] = ()
) -> Callable[..., Any]:
    found = controller.find_resource(kind, name)
    if found is None:
        folded = {key.lower(): value for key, value in known.items()}
        found = known.get(name, folded.get(name.lower()))
    if found is None:
        names = [*more, *known, *controller.resource_names(kind)]
        raise ConfigError(f"there is no {kind} {name!r}", hint=did_you_mean(name, names) or "or write module:Name")
    if not callable(found):
        raise ConfigError(f"{kind} {name!r} is a {type(found).__name__}, which cannot be called")
    called: Callable[..., Any] = found
    return called


def _make(found: Callable[..., Any], given: Mapping[str, Any]) -> Callable[[Tensor, Tensor], Tensor]:
    made: Callable[[Tensor, Tensor], Tensor] = found(**given)
    return made


def _losses(module: ModuleType, is_kind: Callable[[object], bool]) -> dict[str, Any]:
    names = ("loss", "entropy", "kl_div")
    return {
        key: value
        for key, value in vars(module).items()
        if is_kind(value) and not key.startswith("_") and any(word in key.lower() for word in names)
    }


def _check(factory: Callable[..., Any], given: Mapping[str, Any], kind: str, name: str, first: bool = False) -> None:
    """Check parameters by name; with ``first``, which no config gives, what is missing behind it too."""
    try:
        parameters = inspect.signature(factory).parameters
    except (TypeError, ValueError):  # built-in functions do not tell
        return
    is_open = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    for key in () if is_open else given:
        if key not in parameters:
            hint = did_you_mean(key, parameters, "it takes")
            raise ConfigError(f"{kind} {name!r} takes no parameter {key!r}", hint=hint)
    for one in (
        [one for place, one in enumerate(parameters.values()) if place or one.name in UNWRITABLE] if first else ()
    ):
        if one.default is one.empty and one.kind not in (one.VAR_KEYWORD, one.VAR_POSITIONAL) and one.name not in given:
            hint = UNWRITABLE.get(one.name, f"give it in {kind}_params")
            raise ConfigError(f"{kind} {name!r} needs the parameter {one.name!r}", hint=hint)


def _build(factory: Callable[..., Any], first: Any, given: Mapping[str, Any], what: str) -> Any:
    """Return what a factory makes; what one of torch's refuses is a mistake in the config."""
    try:
        return factory(first, **given)
    except (TypeError, ValueError) as error:
        if not is_of_torch(factory):
            raise
        raise ConfigError(f"{what} cannot be made: {error}") from error
