"""A project's own model, dataset and images, plugged in by name."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from tipi import PipelineRunner
from tipi.errors import ConfigError
from tipi_plugins.builtin.network import Network

PIPELINE = """
seed = 1

[permanences.device]
type = "Device"
params = { prefer = "cpu" }

[permanences.network]
type = "Network"
params = { model = "mine:tower", num_classes = 3 }

[permanences.data]
type = "Data"
params = { dataset = "mine:stripes", batch_size = 16, options = { size = 90 } }

[processes.training]
type = "TrainingProcess"
params = { epochs = 3, learning_rate = 0.01 }

[processes.testing]
type = "TestingProcess"
"""

MINE = """
import torch
from torch.utils.data import TensorDataset


def tower():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, 8), torch.nn.ReLU(), torch.nn.Linear(8, 7))


def stripes(size):
    targets = torch.arange(size) % 3
    images = torch.randn(size, 1, 4, 4) * 0.1
    images[torch.arange(size), 0, targets] += 1
    return TensorDataset(images, targets)
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "own.toml").write_text(PIPELINE)
    (tmp_path / "mine.py").write_text(MINE)
    return tmp_path


def train(**overrides):
    return PipelineRunner("own", overrides={key.replace("__", "."): value for key, value in overrides.items()}).run()


def test_a_model_and_a_dataset_of_the_project_are_trained_and_the_head_fits(project):
    assert train()["testing"]["accuracy"] > 0.9


def test_a_network_starts_from_the_best_checkpoint_of_a_run(project, run):
    first = train()
    again = train(network__checkpoint=str(first.path), training__learning_rate=0.0, training__epochs=1)
    assert again["testing"]["accuracy"] == first["testing"]["accuracy"]
    best = first["testing"]["weights"]
    assert train(network__checkpoint=f"{first.path}/{best}")["testing"]["accuracy"] > 0.9
    with pytest.raises(ConfigError, match=r"there is no checkpoint at .*nowhere"):
        Network("mlp", checkpoint="nowhere")
    with pytest.raises(ConfigError, match="does not fit model 'mlp'"):
        Network("mlp", checkpoint=str(first.path))


def test_the_residual_network_for_small_images(run):
    model = Network("residual_cnn", num_classes=5).model
    assert model(torch.zeros(2, 3, 32, 32)).shape == (2, 5)
    assert 11_000_000 < sum(one.numel() for one in model.parameters()) < 11_300_000


def test_of_a_frozen_network_only_the_head_learns(project):
    before = train(training__epochs=1, network__freeze=True, training__optimizer="SGD")
    after = train(network__checkpoint=str(before.path), network__freeze=True, training__learning_rate=0.5)
    first, second = (torch.load(state_of(result), weights_only=True)["model"] for result in (before, after))
    assert [name for name in first if not torch.equal(first[name], second[name])] == ["3.weight", "3.bias"]


def test_a_network_without_a_head_cannot_be_frozen(run):
    with pytest.raises(ConfigError, match=r"model 'torch\.nn:Flatten' has no linear layer"):
        Network("torch.nn:Flatten", freeze=True, controller=FindsAnything())


class FindsAnything:
    """The part of a controller that finds models."""

    run = SimpleNamespace(root=Path())

    def find_resource(self, kind, name):
        return torch.nn.Flatten


def state_of(result):
    return result.path / result["testing"]["weights"] / "state.pt"


def test_channels_may_lie_last(run):
    weight = next(Network("small_cnn", channels_last=True, options={"shape": [3, 8, 8]}).model.parameters())
    assert weight.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own, while its compiler is imported
def test_a_compiled_model_keeps_the_names_of_its_weights(run):
    assert Network("mlp", compile=True).state_dict()["model"].keys() == Network("mlp").state_dict()["model"].keys()
