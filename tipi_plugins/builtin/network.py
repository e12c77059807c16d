"""The permanence ``Network``: a model, ready on the run's device."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from tipi.plugin import ConfigError, Permanence, device_manager
from tipi_plugins.builtin import models

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tipi.plugin import PipelineController

BUILT_IN: dict[str, Callable[..., nn.Module]] = {"small_cnn": models.small_cnn, "mlp": models.mlp}


class Network(Permanence):
    """A model by its name, on the run's device.

    Args:
        model: ``small_cnn``, ``mlp``, a name that the project or a plugin registered, ``module:callable``, or a model
            of torchvision or timm such as ``resnet50``; looked up in that order.
        num_classes: The number of outputs; None takes the number of the permanence ``data``, else the model's own.
        pretrained: Whether the model starts from its package's weights; weights that cannot be had are an error.
        weights: A file with a ``state_dict`` to start from.
        options: More arguments for the model's callable.
        device: Where the model goes; None takes the run's device.
        data: The permanence ``data``, if there is one: its ``shape`` and ``num_classes`` fit the model to it.
        controller: The run's controller, inside a pipeline.

    Attributes:
        model: The ``torch.nn.Module``, on ``device``.
        device: The ``torch.device``.

    Raises:
        ConfigError: There is no such model, it does not take ``options``, or its weights do not fit or are not there.
        MissingPackage: The model is of a package that does not import.

    Example:
        >>> model = Network("small_cnn", num_classes=10).model  # doctest: +SKIP
    """

    def __init__(
        self,
        model: str,
        num_classes: int | None = None,
        pretrained: bool = False,
        *,
        weights: str | None = None,
        options: dict[str, Any] | None = None,
        device: torch.device | None = None,
        data: object = None,
        controller: PipelineController | None = None,
    ) -> None:
        self.device = device or device_manager.get_device()
        sizes = {
            "num_classes": getattr(data, "num_classes", None) if num_classes is None else num_classes,
            "shape": getattr(data, "shape", None),
        }
        built = make_model(model, sizes, pretrained, options or {}, controller)
        if weights is not None:
            folder = controller.run.root if controller is not None else Path.cwd()
            load_weights(built, folder / weights, model)
        self.model: nn.Module = built.to(self.device)

    def state_dict(self) -> dict[str, Any]:
        """Return the model's state."""
        return {"model": self.model.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take back a state of the model."""
        self.model.load_state_dict(state["model"])


def make_model(
    name: str,
    sizes: Mapping[str, Any],
    pretrained: bool,
    options: dict[str, Any],
    controller: PipelineController | None,
) -> nn.Module:
    """Return a model by its name: registered, ``module:callable``, torchvision's or timm's.

    Args:
        name: The name.
        sizes: ``num_classes`` and ``shape``; what is None, or the callable does not take, is left out.
        pretrained: Whether it starts from weights that belong to it.
        options: More arguments.
        controller: Finds names of the project and of plugins.

    Raises:
        ConfigError: There is no such model, or it cannot be made as asked.
        MissingPackage: It can only be of a package that does not import.
    """
    factory = controller.find_resource("model", name) if controller is not None else BUILT_IN.get(name)
    if factory is None:
        from tipi_plugins.builtin.vision import build_model

        known = controller.resource_names("model") if controller is not None else sorted(BUILT_IN)
        return build_model(name, sizes.get("num_classes"), pretrained, options, known)
    parameters = inspect.signature(factory).parameters
    given = {key: value for key, value in sizes.items() if value is not None and key in parameters} | options
    if "pretrained" in parameters:
        given["pretrained"] = pretrained
    elif pretrained:
        raise ConfigError(
            f"model {name!r} has no pretrained weights",
            hint="set pretrained = false, or name a file of yours with weights",
        )
    _check_options(name, parameters, given)
    made: nn.Module = factory(**given)
    return made


def load_weights(model: nn.Module, file: Path, name: str) -> None:
    """Fill a model from a file with its ``state_dict``, which is read as data: no code in it is executed.

    Raises:
        ConfigError: The file is not there, is no such file, or does not fit the model.
    """
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
        model.load_state_dict(state.get("model", state) if isinstance(state, dict) else state)
    except FileNotFoundError:
        raise ConfigError(f"there are no weights at {file}", hint="weights is relative to the project") from None
    except Exception as error:
        raise ConfigError(f"the weights in {file} do not fit model {name!r}: {error}") from error


def _check_options(name: str, parameters: Mapping[str, inspect.Parameter], given: Mapping[str, Any]) -> None:
    from tipi.plugin import did_you_mean

    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return
    for key in given:
        if key not in parameters:
            raise ConfigError(f"model {name!r} takes no option {key!r}", hint=did_you_mean(key, parameters, "it takes"))
