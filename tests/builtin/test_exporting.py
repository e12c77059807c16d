"""A trained network as a file that another program reads."""

from __future__ import annotations

import sys

import pytest
import torch

from tipi import PipelineRunner
from tipi.errors import ConfigError, MissingPackage

PIPELINE = """
seed = 1

[permanences.device]
type = "Device"
params = { prefer = "cpu" }

[permanences.network]
type = "Network"
params = { model = "mlp" }

[permanences.data]
type = "Data"
params = { dataset = "synthetic", options = { size = 40 } }

[processes.export]
type = "ExportProcess"
params = { formats = ["torch_export"] }
"""

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")  # torch's own


@pytest.fixture(autouse=True)
def _project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "small.toml").write_text(PIPELINE)


def test_the_exported_program_takes_batches_of_any_size():
    result = PipelineRunner("small").run()
    program = torch.export.load(result["export"]["torch_export"]).module()
    assert program(torch.zeros(7, 1, 8, 8)).shape == (7, 4)
    assert (result.path / "artifacts" / "model.pt2").is_file()


def test_a_format_that_does_not_exist_or_cannot_be_written_is_named(monkeypatch):
    with pytest.raises(ConfigError, match=r"no export format 'onx', did you mean 'onnx'\?"):
        PipelineRunner("small", overrides={"export.formats": ["onx"]}).run()
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(MissingPackage, match="export format 'safetensors' needs safetensors, which is not installed"):
        PipelineRunner("small", overrides={"export.formats": ["safetensors"]}).run()
