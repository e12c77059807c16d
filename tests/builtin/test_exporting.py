"""A trained network as a file that another program reads."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from tipi import PipelineRunner
from tipi.errors import ConfigError, MissingPackage
from tipi_core.run import Run, activate

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


@pytest.fixture(autouse=True)
def _project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "small.toml").write_text(PIPELINE)


@pytest.fixture
def trained(tmp_path):
    """Run the pipeline with the formats in question; return the result, ten images, and the model's answers."""

    def run(*formats, model="mlp"):
        from tipi_plugins.builtin.network import Network

        overrides = {"export.formats": list(formats), "network.model": model}
        result = PipelineRunner("small", overrides=overrides).run()
        with activate(Run("again", root=tmp_path)):
            network = Network(model, 4)
        images = torch.randn(10, 1, 8, 8)
        return result, network.model.eval(), images

    return run


@pytest.mark.filterwarnings("ignore:The given buffer is not writable")  # torch 2.11 to itself
@pytest.mark.parametrize("model", ["mlp", "small_cnn"])
def test_onnx_gives_the_same_answers_for_batches_of_any_size(trained, model):
    pytest.importorskip("onnxscript")
    reference = pytest.importorskip("onnx.reference")
    result, copy, images = trained("onnx", "torch_export", model=model)
    onnx = reference.ReferenceEvaluator(result["export"]["onnx"])
    assert (onnx.input_names, onnx.output_names) == (["input"], ["output"])
    (answers,) = onnx.run(None, {"input": images.numpy()})
    program = torch.export.load(result["export"]["torch_export"]).module()
    assert torch.allclose(torch.from_numpy(answers), program(images), atol=1e-5)
    assert answers.shape == copy(images).shape


def test_safetensors_holds_the_weights(trained):
    safetensors = pytest.importorskip("safetensors.torch")
    result, copy, images = trained("safetensors", "torch_export")
    weights = safetensors.load_file(result["export"]["safetensors"])
    copy.load_state_dict(weights)
    program = torch.export.load(result["export"]["torch_export"]).module()
    assert torch.equal(copy(images), program(images))


def test_without_names_every_format_is_written_whose_package_is_there(capfd):
    pytest.importorskip("onnxscript")
    pytest.importorskip("safetensors")
    text = Path("configs/small.toml").read_text().replace('params = { formats = ["torch_export"] }', "")
    Path("configs/small.toml").write_text(text)
    result = PipelineRunner("small").run()
    assert sorted(path.name for path in (result.path / "artifacts").iterdir()) == [
        "model.onnx",
        "model.pt2",
        "model.safetensors",
    ]
    assert "torchvision" not in capfd.readouterr().err  # torch speaks of it, and nobody here needs it


def test_the_exported_program_takes_batches_of_any_size():
    result = PipelineRunner("small").run()
    program = torch.export.load(result["export"]["torch_export"]).module()
    assert program(torch.zeros(7, 1, 8, 8)).shape == (7, 4)
    assert (result.path / "artifacts" / "model.pt2").is_file()


def test_a_shape_that_nobody_knows_is_missed_before_anything_trains(tmp_path):
    text = PIPELINE[: PIPELINE.index("[permanences.data]")] + PIPELINE[PIPELINE.index("[processes.export]") :]
    Path("configs/small.toml").write_text(text)
    with pytest.raises(ConfigError, match=r"'torch_export' needs the shape of an input, give shape = \[3, 32, 32\]"):
        PipelineRunner("small").run()
    assert not list(tmp_path.glob("runs/*/*/artifacts/*"))
    with pytest.raises(ConfigError, match="'shape' of ExportProcess wants"):
        PipelineRunner("small", overrides={"export.shape": [0, 8]}).run()


def test_a_network_without_parameters_is_exported():
    result = PipelineRunner("small", overrides={"network.model": "torch.nn:Flatten"}).run()
    program = torch.export.load(result["export"]["torch_export"]).module()
    assert program(torch.zeros(3, 1, 8, 8)).shape == (3, 64)


def test_a_format_that_does_not_exist_or_cannot_be_written_is_named(monkeypatch):
    with pytest.raises(ConfigError, match=r"no export format 'onx', .*did you mean 'onnx'\?"):
        PipelineRunner("small", overrides={"export.formats": ["onx"]}).run()
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(MissingPackage, match="export format 'safetensors' needs safetensors, which is not installed"):
        PipelineRunner("small", overrides={"export.formats": ["safetensors"]}).run()
