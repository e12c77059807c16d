"""The permanence ``Network``: a model, ready on the run's device."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import torch
from torch import nn

from tipi.plugin import ConfigError, Meta, NameOf, Permanence, device_manager, fit_options
from tipi_plugins.builtin import models, resnet
from tipi_plugins.builtin.vision import freeze_body, swap_head
from tipi_plugins.builtin.weights import load_checkpointed, load_weights

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tipi.plugin import PipelineController

BUILT_IN: dict[str, Callable[..., nn.Module]] = {
    "small_cnn": models.small_cnn,
    "residual_cnn": resnet.residual_cnn,
    "mlp": models.mlp,
}


class Network(Permanence):
    """A model by its name, on the run's device.

    Args:
        model: ``small_cnn``, ``residual_cnn``, ``mlp``, a name that the project or a plugin registered,
            ``module:callable``, or a model of torchvision or timm such as ``resnet50``; looked up in that order.
        num_classes: The number of outputs; None takes the number of the permanence ``data``, else the model's own. A
            callable that takes no ``num_classes`` gets its last linear layer replaced where the number is another.
        pretrained: Whether the model starts from its package's weights; weights that cannot be had are an error.
        weights: A file with a ``state_dict`` to start from, written by ``torch.save`` or as safetensors.
        checkpoint: What to start from: a run's folder, whose best checkpoint is taken, the folder of one checkpoint,
            or one of the files ``best``, ``last`` and ``finite`` beside them.
        freeze: Whether only the last linear layer learns; means and spreads of normalisation still follow the data.
        compile: Whether ``torch.compile`` makes the model faster, after a slow first batch.
        channels_last: Whether images lie in memory with their channels last, which GPUs with mixed precision like.
        options: More arguments for the model's callable.
        device: Where the model goes; None takes the run's device.
        data: The permanence ``data``, if there is one: its ``shape`` and ``num_classes`` fit the model to it.
        controller: The run's controller, inside a pipeline.

    Attributes:
        model: The ``torch.nn.Module``, on ``device``.
        device: The ``torch.device``.
        num_classes: The number of outputs that was asked for, or None.

    Raises:
        ConfigError: There is no such model, it does not take ``options``, or its weights do not fit or are not there.
        MissingPackage: The model is of a package that does not import.

    Example:
        >>> model = Network("small_cnn", num_classes=10).model  # doctest: +SKIP
    """

    def __init__(
        self,
        model: Annotated[str, NameOf("model", "tipi_plugins.builtin.known:models")],
        num_classes: Annotated[int, Meta(ge=1)] | None = None,
        pretrained: bool = False,
        *,
        weights: str | None = None,
        checkpoint: str | None = None,
        freeze: bool = False,
        compile: bool = False,  # noqa: A002 - the config's word
        channels_last: bool = False,
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
        self.num_classes: int | None = sizes["num_classes"]
        built = make_model(model, sizes, pretrained, options or {}, controller, num_classes)
        folder = controller.run.root if controller is not None else Path.cwd()
        if weights is not None and checkpoint is not None:
            raise ConfigError("weights and checkpoint are two places to start from", hint="give one of them")
        if weights is not None:
            load_weights(built, folder / Path(weights).expanduser(), model)
        if checkpoint is not None:
            load_checkpointed(built, folder / Path(checkpoint).expanduser(), model)
        if freeze:
            freeze_body(built, model)
        self.model: nn.Module = built.to(self.device)
        if channels_last:
            self.model = self.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if compile:
            self.model.compile()

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
    head: int | None = None,
) -> nn.Module:
    """Return a model by its name: registered, ``module:callable``, torchvision's or timm's.

    Args:
        name: The name.
        sizes: ``num_classes`` and ``shape``; what is None, or the callable does not take, is left out.
        pretrained: Whether it starts from weights that belong to it.
        options: More arguments.
        controller: Finds names of the project and of plugins.
        head: The number of outputs that was asked for: what a callable that takes no ``num_classes`` is given.

    Raises:
        ConfigError: There is no such model, or it cannot be made as asked.
        MissingPackage: It can only be of a package that does not import.
    """
    factory = controller.find_resource("model", name) if controller is not None else BUILT_IN.get(name)
    if factory is None:
        from tipi_plugins.builtin.vision import build_model

        known = controller.resource_names("model") if controller is not None else sorted(BUILT_IN)
        return build_model(name, sizes.get("num_classes"), pretrained, options, known)
    if isinstance(factory, nn.Module):
        raise ConfigError(f"model {name!r} is one that is made already", hint="name its class, or a function")
    parameters = inspect.signature(factory).parameters
    given = {key: value for key, value in sizes.items() if value is not None and key in parameters}
    if "pretrained" in parameters:
        given["pretrained"] = pretrained
    elif pretrained:
        raise ConfigError(
            f"model {name!r} has no pretrained weights",
            hint="set pretrained = false, or name a file of yours with weights",
        )
    given |= fit_options(factory, options, given, f"model {name!r}")
    made = factory(**given)
    if not isinstance(made, nn.Module):
        raise ConfigError(f"model {name!r} made a {type(made).__name__}", hint="wanted is a torch.nn.Module")
    if head is not None and "num_classes" not in given:
        swap_head(made, head, name)
    return made
