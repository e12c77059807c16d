"""What Data, Network and TrainingProcess need, looked for before a run begins; torch is not imported."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tipi.plugin import MissingPackage, did_you_mean
from tipi_plugins.builtin.known import datasets

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Problem = tuple[str, str, str | None]
TRAINING = ("train", "training")  # what the folder of the images to train on may be called
OWN_FIGURES = ("train/loss", "learning_rate")  # of every epoch of a training


def check_data(params: Mapping[str, Any], root: Path) -> Iterator[Problem]:
    """Yield what is missing for ``Data``: parameter, what, and what to do.

    Example:
        >>> from pathlib import Path
        >>> [what for _, what, _ in check_data({"dataset": "folder", "root": "gone"}, Path("/nowhere"))]
        ["dataset 'folder': there is no folder /nowhere/gone"]
    """
    name = params.get("dataset")
    if name != "folder" and (params.get("download") or not _is_of_torchvision(name)):
        return
    folder = _within(root, params.get("root", "data"))
    where = "root" if "root" in params else "dataset"
    if not folder.is_dir():
        cure = "name it with root" if name == "folder" else "name it with root, or set download = true"
        yield where, f"dataset {name!r}: there is no folder {folder}", cure
    elif name == "folder":
        images = next((folder / part for part in TRAINING if (folder / part).is_dir()), folder)
        if not any(entry.is_dir() for entry in images.iterdir()):
            yield where, f"dataset 'folder': {images} has no images", f"wanted: {images}/CLASS/IMAGE.png"


def _within(root: Path, name: str) -> Path:
    return root / Path(name).expanduser()


def _is_of_torchvision(name: object) -> bool:
    """Return whether torchvision, if it is installed, has a dataset of that name which it reads from a folder."""
    try:
        return name != "FakeData" and name in set(datasets(str(name)))
    except MissingPackage:
        return False


def check_network(params: Mapping[str, Any], root: Path) -> Iterator[Problem]:
    """Yield what is missing for ``Network``: parameter, what, and what to do."""
    weights = _within(root, params["weights"]) if "weights" in params else None
    if weights is not None and not weights.is_file():
        yield "weights", f"there are no weights at {weights}", "weights is relative to the project"
    place = _within(root, params["checkpoint"]) if "checkpoint" in params else None
    if place is not None and not place.is_dir() and not (place.is_file() and place.parent.name == "checkpoints"):
        cure = "checkpoint names a run's folder, or that of a checkpoint; a file with weights goes to weights"
        yield "checkpoint", f"there is no checkpoint at {place}", cure


def check_training(params: Mapping[str, Any], _: Path) -> Iterator[Problem]:
    """Yield what is wrong with the parameters of ``TrainingProcess``: a metric to choose by that nobody logs.

    Example:
        >>> [cure for _, _, cure in check_training({"monitor": "val/acuracy"}, Path())]
        ["did you mean 'val/accuracy'?"]
    """
    problem = find_unlogged(params.get("monitor", "val/loss"), params.get("metrics"))
    if problem is not None:
        yield ("monitor", *problem)


def find_unlogged(monitor: str, metrics: Sequence[str] | None) -> tuple[str, str | None] | None:
    """Return what is wrong with ``monitor``, and the cure, where nothing of that name is logged after an epoch.

    Args:
        monitor: The name of a metric, as it is logged.
        metrics: The parameter ``metrics`` of a training.
    """
    measured = ["accuracy"] if metrics is None else [name.rpartition(":")[2] for name in metrics]
    return find_unknown(monitor, [*OWN_FIGURES, *(f"val/{name}" for name in ("loss", *measured))])


def find_unknown(monitor: str, names: Sequence[str]) -> tuple[str, str | None] | None:
    """Return what is wrong with ``monitor``, and the cure, where it is none of ``names``."""
    if monitor in names:
        return None
    return f"there is no metric {monitor!r} to choose by", did_you_mean(monitor, names, "logged")
