"""The door to the torch backend: opens where torch is installed and imports."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from tipi.plugin import MissingPackage

if TYPE_CHECKING:
    from tipi.plugin import DeviceBackend


def create_backend() -> DeviceBackend | None:
    """Return the torch backend, or None where torch is not installed.

    Raises:
        MissingPackage: torch is installed and does not import.
    """
    if find_spec("torch") is None:
        return None
    try:
        from tipi_plugins.devices.torch_backend import TorchBackend
    except Exception as error:
        raise MissingPackage(
            f"torch is installed but does not import: {type(error).__name__}: {error}",
            hint="pip install --force-reinstall torch",
        ) from error
    return TorchBackend()
