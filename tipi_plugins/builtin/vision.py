"""Models and datasets of torchvision and timm, for those who have these packages."""

from __future__ import annotations

import inspect
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import hub, nn

from tipi.plugin import ConfigError, MissingPackage, TipiError, did_you_mean, fit_options
from tipi_plugins.builtin.packages import import_package, missing_package

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from types import ModuleType

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_SPREAD = (0.229, 0.224, 0.225)


def build_model(
    name: str, num_classes: int | None, pretrained: bool, options: dict[str, Any], known: Sequence[str]
) -> nn.Module:
    """Return a model of torchvision, else of timm.

    Args:
        name: The model's name there.
        num_classes: The number of outputs; None leaves the package's own.
        pretrained: Whether it starts from the package's default weights.
        options: More arguments for the package's builder.
        known: Names that are no package's, for near misses.

    Raises:
        ConfigError: No package has such a model, or its weights cannot be had.
        MissingPackage: A package that could have it does not import.
    """
    missing: MissingPackage | None = None
    names = list(known)
    for package, build in (("torchvision", _torchvision_model), ("timm", _timm_model)):
        try:
            module = import_package(package, f"model {name!r}")
        except MissingPackage as error:
            missing = missing or error
            continue
        models = module.models.list_models() if package == "torchvision" else module.list_models()
        wanted = name.partition(".")[0] if package == "timm" else name  # timm names the weights behind a point
        if wanted in models:
            return build(module, name, num_classes, pretrained, options)
        names += models
    raise _not_found("model", name, names, missing)


def open_dataset(name: str, root: Path, download: bool, options: dict[str, Any], known: Sequence[str]) -> Any:
    """Return a dataset of torchvision with its images as normalised tensors: a dict of the parts that it has, or one.

    Raises:
        ConfigError: torchvision has no such dataset, it does not take ``options``, or it is not in ``root``.
        MissingPackage: torchvision, or what it needs for this dataset, does not import.
    """
    try:
        torchvision = import_package("torchvision", f"dataset {name!r}")
    except MissingPackage as error:
        raise _not_found("dataset", name, known, error) from None
    factory = getattr(torchvision.datasets, name, None)
    if not inspect.isclass(factory):
        raise _not_found("dataset", name, [*known, *getattr(torchvision.datasets, "__all__", ())])
    parameters = inspect.signature(factory).parameters
    size = options.get("size") if "size" not in parameters else None
    own = {key: value for key, value in options.items() if key in parameters or key != "size"}
    takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    taken = {*parameters, *(("root", "transform", *(["download"] if download else [])) if takes_any else ())}
    given = {"root": str(root), "transform": _transform(torchvision, size), "download": download}  # some fetch unasked
    given = {key: value for key, value in given.items() if key in taken and key not in own}
    fitting = fit_options(factory, own, {*given, "train", "split"}, f"dataset {name!r}")
    try:
        return _open_parts(partial(factory, **given, **fitting), parameters.keys() - own.keys())
    except ModuleNotFoundError as error:
        raise missing_package(str(error.name), f"dataset {name!r}") from error
    except (RuntimeError, OSError) as error:
        raise ConfigError(
            f"dataset {name!r} cannot be read from {root}: {error}",
            hint=f"put it there, name its folder with root, or set download = true: {name} is then fetched once",
        ) from error
    except ValueError as error:  # such as a split of which torchvision's own files know nothing
        raise ConfigError(f"dataset {name!r}: {error}", hint="give it in options") from error


def _open_parts(make: Callable[..., Any], parameters: Collection[str]) -> Any:
    """Return the parts that a dataset says it has; where it says nothing, all of it, which is split then."""
    if "train" in parameters:
        return {"train": make(train=True), "test": make(train=False)}
    if "split" not in parameters:
        return make()
    parts = {"train": make(split="train")}
    for part, name in (("val", "val"), ("val", "valid"), ("test", "test")):
        with suppress(ValueError):  # it has no part of that name
            parts[part] = make(split=name)
    return parts


def swap_head(model: nn.Module, num_classes: int, name: str) -> None:
    """Give a classifier's last linear layer another number of outputs; its weights start at random.

    Raises:
        ConfigError: The model has no linear layer.
    """
    path, layer = _head(model, name)
    if layer.out_features != num_classes:
        parent, _, attribute = path.rpartition(".")
        setattr(model.get_submodule(parent), attribute, nn.Linear(layer.in_features, num_classes))


def freeze_body(model: nn.Module, name: str) -> None:
    """Let only a classifier's last linear layer learn.

    Raises:
        ConfigError: The model has no linear layer.
    """
    _, layer = _head(model, name)
    model.requires_grad_(False)
    layer.requires_grad_(True)


def _head(model: nn.Module, name: str) -> tuple[str, nn.Linear]:
    linear = [(path, layer) for path, layer in model.named_modules() if isinstance(layer, nn.Linear)]
    if not linear:
        raise ConfigError(
            f"model {name!r} has no linear layer that could be its head", hint="bring a model of your own"
        )
    return linear[-1]


def _torchvision_model(
    torchvision: ModuleType, name: str, num_classes: int | None, pretrained: bool, options: dict[str, Any]
) -> nn.Module:
    weights = torchvision.models.get_model_weights(name).DEFAULT if pretrained else None
    sizes: dict[str, Any] = {} if pretrained or num_classes is None else {"num_classes": num_classes}
    if "weights_backbone" in inspect.signature(torchvision.models.get_model_builder(name)).parameters:
        sizes["weights_backbone"] = None  # else the body's weights would be fetched unasked
    try:
        model: nn.Module = torchvision.models.get_model(name, weights=weights, **sizes | options)
    except TypeError as error:
        raise _not_made(name, error) from error
    except (OSError, RuntimeError) as error:
        if weights is None:
            raise _not_made(name, error) from error
        file = Path(hub.get_dir()) / "checkpoints" / str(weights.url).rpartition("/")[2]
        raise _no_weights(name, error, f"fetch {weights.url} and put it at {file}") from error
    if pretrained and num_classes is not None:
        swap_head(model, num_classes, name)
    return model


def _timm_model(
    timm: ModuleType, name: str, num_classes: int | None, pretrained: bool, options: dict[str, Any]
) -> nn.Module:
    sizes = {} if num_classes is None else {"num_classes": num_classes}
    try:
        model: nn.Module = timm.create_model(name, pretrained=pretrained, **sizes | options)
    except TypeError as error:
        raise _not_made(name, error) from error
    except (OSError, RuntimeError) as error:
        if not pretrained:
            raise _not_made(name, error) from error
        raise _no_weights(name, error, "name a file of yours with weights") from error
    return model


def _not_made(name: str, error: Exception) -> ConfigError:
    return ConfigError(f"model {name!r} cannot be made: {error}", hint="look at its options")


def _no_weights(name: str, error: Exception, cure: str) -> ConfigError:
    return ConfigError(
        f"the pretrained weights of model {name!r} cannot be had: {error}",
        hint=f"{cure}, or set pretrained = false to begin with random ones",
    )


def _not_found(kind: str, name: str, names: Sequence[str], missing: MissingPackage | None = None) -> TipiError:
    """Return the error for a name: a near miss goes before the package that might have had it."""
    hint = did_you_mean(name, names)
    if hint is None and missing is not None:
        return missing
    return ConfigError(f"there is no {kind} {name!r}", hint=hint)


def _transform(torchvision: ModuleType, size: Sequence[int] | None) -> Any:
    transforms = torchvision.transforms
    scaled = [] if size is None else [transforms.Resize(list(size))]
    return transforms.Compose([*scaled, transforms.ToTensor(), Normalised(transforms)])


class Normalised:
    """Normalises images of three channels by the means and spreads of ImageNet, which pretrained models expect."""

    def __init__(self, transforms: Any) -> None:
        self.normalise = transforms.Normalize(IMAGENET_MEAN, IMAGENET_SPREAD)

    def __call__(self, image: Any) -> Any:
        """Return the image, normalised if it has three channels."""
        return self.normalise(image) if image.shape[0] == 3 else image
