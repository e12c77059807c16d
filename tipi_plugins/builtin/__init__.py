"""The built-in types: Device, Network, Data, the processes, small models and datasets; all named by string."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tipi.plugin import hookimpl

if TYPE_CHECKING:
    from tipi.plugin import Registry

REQUIRES = {"torch": "pip install 'torch-tipi[torch]'"}


@hookimpl
def tipi_register(registry: Registry) -> None:
    """Name what this plugin brings; nothing of it is imported before a run needs it."""
    registry.permanence("Device", "tipi_plugins.builtin.device:pick_device")
    registry.permanence("Network", "tipi_plugins.builtin.network:Network")
    registry.permanence("Data", "tipi_plugins.builtin.loaders:Data")
    registry.process("TrainingProcess", "tipi_plugins.builtin.training:TrainingProcess")
    registry.process("ValidationProcess", "tipi_plugins.builtin.evaluation:ValidationProcess")
    registry.process("TestingProcess", "tipi_plugins.builtin.evaluation:TestingProcess")
    registry.process("ExportProcess", "tipi_plugins.builtin.exporting:ExportProcess")
    registry.process("Sequence", "tipi_plugins.builtin.sequence:Sequence")
    registry.resource("check", "Data", "tipi_plugins.builtin.checking:check_data")
    registry.resource("check", "Network", "tipi_plugins.builtin.checking:check_network")
    registry.resource("check", "TrainingProcess", "tipi_plugins.builtin.checking:check_training")
    registry.resource("model", "small_cnn", "tipi_plugins.builtin.models:small_cnn")
    registry.resource("model", "residual_cnn", "tipi_plugins.builtin.resnet:residual_cnn")
    registry.resource("model", "mlp", "tipi_plugins.builtin.models:mlp")
    registry.resource("dataset", "digits", "tipi_plugins.builtin.datasets:digits")
    registry.resource("dataset", "folder", "tipi_plugins.builtin.folders:folder")
    registry.resource("dataset", "synthetic", "tipi_plugins.builtin.datasets:synthetic")
