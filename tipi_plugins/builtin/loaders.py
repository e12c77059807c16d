"""The permanence ``Data``: a dataset as loaders for training, validation and testing."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import torch
from torch.utils.data import DataLoader, IterableDataset, Subset

from tipi.plugin import ConfigError, Meta, NameOf, Permanence, device_manager, fit_options
from tipi_plugins.builtin import datasets, folders
from tipi_plugins.builtin.splits import find_targets, split_dataset

if TYPE_CHECKING:
    from collections.abc import Callable

    from tipi.plugin import PipelineController

Count = Annotated[int, Meta(ge=0)]
Share = Annotated[float, Meta(ge=0, lt=1)]
Seed = Annotated[int, Meta(ge=0, lt=2**32)]

BUILT_IN: dict[str, Callable[..., Any]] = {
    "digits": datasets.digits,
    "folder": folders.folder,
    "synthetic": datasets.synthetic,
}


class Data(Permanence):
    """A dataset in three parts, each behind a ``DataLoader``.

    Args:
        dataset: ``digits``, ``synthetic``, ``folder`` (images in ``root``, a folder for each class), a name that the
            project or a plugin registered, ``module:callable``, or a dataset of torchvision such as ``CIFAR10``. A
            callable returns one dataset, or a dict of them by part.
        batch_size: Items in a batch.
        val_fraction: The share of the items for validation, where the dataset has no such part of its own.
        test_fraction: The share for testing, likewise.
        shift: Training images are moved at random by up to so many pixels.
        drop_last: Whether a last training batch that is smaller than the others is left out.
        workers: Processes that load batches; 0 loads them in this one.
        seed: Seeds the split and the order; None takes the run's, else the split has 0 and the order none.
        root: The folder of datasets that are read from disk, relative to the project; ``~`` is the home folder.
        download: Whether a dataset of torchvision that is not in ``root`` may be fetched.
        options: More arguments for the dataset's callable.
        device: Where the batches will go; None takes the run's device.
        controller: The run's controller, inside a pipeline.

    Attributes:
        train_loader: Batches to train on, in a new order each epoch.
        val_loader: Batches to choose by; without items where there is no such part.
        test_loader: Batches that nothing is chosen by.
        classes: The names of the classes, where the dataset tells.
        num_classes: Their number, or None where it cannot be known.
        shape: The shape of one input, or None.

    Raises:
        ConfigError: There is no such dataset, or it cannot be split as asked.
        MissingPackage: The dataset is torchvision's, and that does not import.

    Example:
        >>> data = Data("digits", batch_size=64)  # doctest: +SKIP
        >>> inputs, targets = next(iter(data.train_loader))  # doctest: +SKIP
    """

    def __init__(
        self,
        dataset: Annotated[str, NameOf("dataset", "tipi_plugins.builtin.known:datasets")],
        batch_size: Annotated[int, Meta(ge=1)] = 32,
        *,
        val_fraction: Share = 0.1,
        test_fraction: Share = 0.2,
        shift: Count = 0,
        drop_last: bool = False,
        workers: Count = 0,
        seed: Seed | None = None,
        root: str = "data",
        download: bool = False,
        options: dict[str, Any] | None = None,
        device: torch.device | None = None,
        controller: PipelineController | None = None,
    ) -> None:
        if batch_size < 1 or workers < 0 or shift < 0:
            raise ConfigError(
                f"batch_size = {batch_size}, workers = {workers}, shift = {shift}",
                hint="batch_size is 1 or more, the others 0 or more",
            )
        run_seed = controller.run.seed if controller is not None else None
        self.seed = run_seed if seed is None else seed
        self.batch_size = batch_size
        self.workers = workers
        self.device = device or device_manager.get_device()
        folder = (controller.run.root if controller is not None else Path.cwd()) / Path(root).expanduser()
        source = make_dataset(dataset, folder, download, options or {}, controller)
        parts = split_dataset(source, val_fraction, test_fraction, self.seed or 0)
        whole = source["train"] if isinstance(source, Mapping) else source
        self.classes = _class_names(whole)
        self.num_classes = len(self.classes) or _count_classes(whole)
        self.shape = _shape(whole)
        train = datasets.Shifted(parts["train"], shift) if _can_shift(self.shape, shift) else parts["train"]
        self.train_loader = self._loader(train, shuffle=True, drop_last=drop_last)
        self.val_loader = self._loader(parts["val"])
        self.test_loader = self._loader(parts["test"])

    def validate(self) -> None:
        """Raise if there is nothing to train on."""
        dataset = self.train_loader.dataset
        if not isinstance(dataset, IterableDataset) and not len(dataset):  # type: ignore[arg-type]  # as torch has it
            raise ConfigError("the dataset has no items to train on", hint="look at its folder and at the fractions")

    def _loader(self, dataset: Any, shuffle: bool = False, drop_last: bool = False) -> DataLoader[Any]:
        generator = torch.Generator().manual_seed(self.seed) if self.seed is not None else None
        is_stream = isinstance(dataset, IterableDataset)
        mixed = shuffle and not is_stream and len(dataset) > 0
        return DataLoader(
            dataset,
            batch_size=self.batch_size,
            shuffle=mixed,
            num_workers=self.workers,
            persistent_workers=self.workers > 0,
            drop_last=drop_last and (is_stream or len(dataset) >= self.batch_size),
            pin_memory=self.device.type == "cuda",
            generator=generator,
        )


def make_dataset(
    name: str, root: Path, download: bool, options: dict[str, Any], controller: PipelineController | None
) -> Any:
    """Return a dataset by its name: registered, ``module:callable`` or torchvision's.

    Raises:
        ConfigError: There is no such dataset, or it does not take ``options``.
        MissingPackage: It can only be torchvision's, and that does not import.
    """
    factory = controller.find_resource("dataset", name) if controller is not None else BUILT_IN.get(name)
    if factory is None:
        from tipi_plugins.builtin.vision import open_dataset

        known = controller.resource_names("dataset") if controller is not None else sorted(BUILT_IN)
        return open_dataset(name, root, download, options, known)
    parameters = inspect.signature(factory).parameters
    given = {key: value for key, value in {"root": str(root), "download": download}.items() if key in parameters}
    return factory(**given | fit_options(factory, options, given, f"dataset {name!r}"))


def _class_names(dataset: Any) -> list[str]:
    while isinstance(dataset, Subset):
        dataset = dataset.dataset
    return [str(name) for name in getattr(dataset, "classes", [])]


def _count_classes(dataset: Any) -> int | None:
    targets = find_targets(dataset)
    return None if targets is None or not len(targets) else int(targets.max()) + 1


def _shape(dataset: Any) -> tuple[int, ...] | None:
    try:
        first = dataset[0][0]
    except (IndexError, KeyError, TypeError, NotImplementedError):
        return None
    return tuple(first.shape) if hasattr(first, "shape") else None


def _can_shift(shape: tuple[int, ...] | None, pixels: int) -> bool:
    """Return whether images are to be moved.

    Raises:
        ConfigError: They are no images, or smaller than that.
    """
    if pixels and (shape is None or len(shape) < 2 or min(shape[-2:]) <= pixels):
        inputs = "inputs that are no tensors" if shape is None else f"inputs of shape {shape}"
        hint = "it moves images, of shape (channels, height, width), by fewer pixels than they have"
        raise ConfigError(f"shift = {pixels} does not go with {inputs}", hint=hint)
    return bool(pixels)
