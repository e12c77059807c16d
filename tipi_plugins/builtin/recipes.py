"""Optimizers, schedules, losses and callbacks by name: torch's, or anything as ``module:Name``."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn, optim
from torch.nn import functional
from torch.optim import Optimizer, lr_scheduler

from tipi.plugin import ConfigError, did_you_mean

if TYPE_CHECKING:
    from types import ModuleType

    from tipi.plugin import PipelineController

SCHEDULES = ("cosine", "constant")


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
    known = {key: value for key, value in vars(lr_scheduler).items() if inspect.isclass(value) and key != "LRScheduler"}
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
        ConfigError: It does not take ``params``.
    """
    given = {"lr": rate} | ({} if decay is None else {"weight_decay": decay}) | dict(params or {})
    _check(factory, given, "optimizer", name)
    return factory([one for one in model.parameters() if one.requires_grad], **given)


def build_schedule(
    factory: Callable[..., Any], name: str, optimizer: Optimizer, length: int, params: Mapping[str, Any] | None
) -> Any:
    """Return a scheduler; what says how long it runs (``total_steps``, ``T_max``, ``total_iters``) is filled in.

    Raises:
        ConfigError: It does not take ``params``.
    """
    parameters = inspect.signature(factory).parameters
    lengths = {key: length for key in ("total_steps", "T_max", "total_iters") if key in parameters}
    if "epochs" in (params or {}):
        lengths = {}
    given = lengths | dict(params or {})
    _check(factory, given, "schedule", name)
    return factory(optimizer, **given)


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


def _check(factory: Callable[..., Any], given: Mapping[str, Any], kind: str, name: str) -> None:
    try:
        parameters = inspect.signature(factory).parameters
    except (TypeError, ValueError):  # built-in functions do not tell
        return
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return
    for key in given:
        if key not in parameters:
            hint = did_you_mean(key, parameters, "it takes")
            raise ConfigError(f"{kind} {name!r} takes no parameter {key!r}", hint=hint)
