"""Optional packages: imported where they are needed, or one sentence with the pip command."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from tipi.plugin import MissingPackage

if TYPE_CHECKING:
    from types import ModuleType


INDEX_NAMES = {"PIL": "pillow"}


def import_package(name: str, wanted_by: str) -> ModuleType:
    """Return an optional package.

    Args:
        name: The package as it is imported.
        wanted_by: What needs it, for the message: ``"model 'resnet50'"``.

    Raises:
        MissingPackage: It is not installed, or raises when it is imported.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name in (name, name.partition(".")[0]):
            raise missing_package(name, wanted_by) from None
        raise _broken(name, wanted_by, error) from error
    except Exception as error:  # a build for another torch fails with a RuntimeError
        raise _broken(name, wanted_by, error) from error


def missing_package(name: str, wanted_by: str) -> MissingPackage:
    """Return the error for a package that is not installed, with the pip command."""
    return MissingPackage(f"{wanted_by} needs {name}, which is not installed", hint=_pip(name))


def _broken(name: str, wanted_by: str, error: Exception) -> MissingPackage:
    return MissingPackage(
        f"{wanted_by} needs {name}, which is installed but does not import: {type(error).__name__}: {error}",
        hint=f"install the build that fits your torch: {_pip(name)} --force-reinstall --no-deps",
    )


def _pip(name: str) -> str:
    package = name.partition(".")[0]
    return f"pip install {INDEX_NAMES.get(package, package)}"
