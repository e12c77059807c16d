"""The process ``ExportProcess``: the trained network as files that other programs read."""

from __future__ import annotations

import logging
import warnings
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import torch
from torch import nn

from tipi.plugin import ConfigError, Meta, NameOf, PipelineProcess, did_you_mean
from tipi_plugins.builtin.evaluation import device_of
from tipi_plugins.builtin.packages import import_package

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tipi.plugin import PipelineController

LARGEST = 1_500_000_000  # bytes of weights in a file of ONNX, which ends at 2 GiB
NEEDS = {"safetensors": "safetensors", "torch_export": "torch", "onnx": "onnxscript"}


class ExportProcess(PipelineProcess):
    """Writes the permanence ``network`` into the record's folder ``artifacts``, with a batch of any size.

    Args:
        controller: What the process sees of the run; the permanence ``network`` is needed.
        force: Execute even where a subclass's ``skip`` would say no.
        formats: Of ``safetensors`` (the weights), ``torch_export`` (``model.pt2``, the program) and ``onnx``; None
            writes each whose package is installed.
        shape: The shape of one input; None takes that of the permanence ``data``.

    Raises:
        ConfigError: There is no such format, or the shape of an input is not known.
        MissingPackage: A format that was named needs a package that is not installed.
    """

    def __init__(
        self,
        controller: PipelineController,
        force: bool = False,
        *,
        formats: list[Annotated[str, NameOf("export format", "tipi_plugins.builtin.known:formats")]] | None = None,
        shape: list[Annotated[int, Meta(ge=1)]] | None = None,
    ) -> None:
        super().__init__(controller, force)
        for name in formats or ():
            if name not in NEEDS:
                raise ConfigError(f"there is no export format {name!r}", hint=did_you_mean(name, NEEDS, "there are"))
            import_package(NEEDS[name], f"export format {name!r}")
        self.formats = [name for name in NEEDS if find_spec(NEEDS[name])] if formats is None else formats
        self.network: Any = controller.get_permanence("network")
        known = getattr(controller.permanences.get("data"), "shape", None)
        self.shape = shape or known
        blind = [name for name in self.formats if name != "safetensors"] if self.shape is None else []
        if blind:
            what = f"export format {blind[0]!r} needs the shape of an input"
            raise ConfigError(what, hint='give shape = [3, 32, 32], or formats = ["safetensors"]')

    def execute(self) -> dict[str, str]:
        """Write the files and return their paths by format."""
        record = self.controller.run.open_record()
        folder = record.artifacts if record is not None else Path.cwd()
        model = self.network.model
        training = model.training
        model.eval()
        try:
            with _quiet():
                return {name: str(self._write(name, model, folder)) for name in self.formats}
        finally:
            model.train(training)

    def _write(self, name: str, model: nn.Module, folder: Path) -> Path:
        if name == "safetensors":
            return write_weights(model, folder / "model.safetensors")
        example = torch.zeros(2, *(self.shape or ()), device=device_of(self.network))
        writers: dict[str, Callable[[nn.Module, torch.Tensor, Path], Path]] = {
            "torch_export": write_program,
            "onnx": write_onnx,
        }
        return writers[name](model, example, folder)


def write_weights(model: nn.Module, file: Path) -> Path:
    """Write the weights with safetensors and return the file."""
    safetensors = import_package("safetensors.torch", "export format 'safetensors'")
    state = {name: value.detach().cpu().contiguous().clone() for name, value in model.state_dict().items()}
    safetensors.save_file(state, str(file))
    return file


def write_program(model: nn.Module, example: torch.Tensor, folder: Path) -> Path:
    """Write the model as a program of ``torch.export`` and return the file."""
    program = torch.export.export(model, (example,), dynamic_shapes=({0: torch.export.Dim.AUTO},))
    file = folder / "model.pt2"
    torch.export.save(program, str(file))
    return file


def write_onnx(model: nn.Module, example: torch.Tensor, folder: Path) -> Path:
    """Write the model as ONNX, with an ``input`` and an ``output``, and return the file.

    Weights that are too large for one file lie beside it.
    """
    file = folder / "model.onnx"
    torch.onnx.export(
        model,
        (example,),
        str(file),
        input_names=["input"],
        output_names=["output"],
        dynamo=True,
        dynamic_shapes=({0: torch.export.Dim.AUTO},),
        external_data=sum(one.nbytes for one in model.state_dict().values()) > LARGEST,
        verbose=False,
    )
    return file


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep to itself what the exporters say about their own future, and about packages that no model here needs."""
    loud = logging.getLogger("torch.onnx._internal.exporter._registration")
    before = loud.level
    loud.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            warnings.simplefilter("ignore", DeprecationWarning)
            yield
    finally:
        loud.setLevel(before)
