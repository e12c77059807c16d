"""What torch, torchvision and timm have, by name, read from their files: none of them is imported."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path

from tipi.plugin import MissingPackage
from tipi_plugins.builtin.packages import missing_package

_MODEL = re.compile(r"^@register_model(?:\((?:name=[\"'](\w+)[\"'])?\))?$(?:\n[@ )].*)*\ndef (\w+)\(", re.MULTILINE)

_LOSS = re.compile(r"^def (\w*(?:loss|entropy|kl_div)\w*)\(", re.MULTILINE)


def models(name: str) -> Iterator[str]:
    """Yield the models that the installed packages have.

    Raises:
        MissingPackage: After those, where a package that may have ``name`` is not installed.
    """
    missing: MissingPackage | None = None
    for package in ("torchvision", "timm"):
        folder = _folder(package)
        if folder is None:
            missing = missing or missing_package(package, f"model {name!r}")
            continue
        for file in (folder / "models").rglob("*.py"):
            found = [given or own for given, own in _MODEL.findall(file.read_text(encoding="utf-8"))]
            yield from found
            if package == "timm" and name.partition(".")[0] in found:  # behind a point it names its weights
                yield name
    if missing is not None:
        raise missing


def datasets(name: str) -> Iterator[str]:
    """Yield the datasets that the installed torchvision has.

    Raises:
        MissingPackage: It is not installed.
    """
    folder = _folder("torchvision")
    if folder is None:
        raise missing_package("torchvision", f"dataset {name!r}")
    for statement in ast.parse((folder / "datasets" / "__init__.py").read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.ImportFrom):
            yield from (alias.name for alias in statement.names)


def optimizers(name: str) -> Iterator[str]:
    """Yield the optimizers of torch, in both spellings that are understood."""
    names = _exported(_torch(f"optimizer {name!r}") / "optim" / "__init__.py")
    yield from _in_both_cases(name for name in names if name[0].isupper() and name != "Optimizer")


def schedules(name: str) -> Iterator[str]:
    """Yield the built-in schedules, then torch's."""
    yield from ("cosine", "constant")
    names = _exported(_torch(f"schedule {name!r}") / "optim" / "lr_scheduler.py")
    yield from _in_both_cases(name for name in names if name != "LRScheduler")


def losses(name: str) -> Iterator[str]:
    """Yield the losses of torch: functions and classes."""
    nn = _torch(f"loss {name!r}") / "nn"
    yield from _LOSS.findall((nn / "functional.py").read_text(encoding="utf-8"))
    yield from _in_both_cases(_exported(nn / "modules" / "loss.py"))


def formats(_: str) -> Iterator[str]:
    """Yield what a network can be exported as."""
    yield from ("safetensors", "torch_export", "onnx")


def metrics(_: str) -> Iterator[str]:
    """Yield the built-in metrics."""
    yield from ("accuracy", "top5", "mae", "mse", "precision", "recall", "f1", "balanced_accuracy")


def _in_both_cases(names: Iterable[str]) -> Iterator[str]:
    for name in names:
        yield from (name, name.lower())


def _exported(file: Path) -> list[str]:
    """Return the names in a module's ``__all__``."""
    found = re.search(r"^__all__ = (\[[^\]]*\])", file.read_text(encoding="utf-8"), re.MULTILINE)
    return [str(name) for name in ast.literal_eval(found[1])] if found else []


def _torch(wanted_by: str) -> Path:
    folder = _folder("torch")
    if folder is None:
        raise missing_package("torch", wanted_by)
    return folder


def _folder(package: str) -> Path | None:
    if package in sys.modules and sys.modules[package] is None:
        return None
    spec = find_spec(package)
    return Path(spec.origin).parent if spec is not None and spec.origin else None
