"""The models and datasets of torchvision and timm, where these packages are installed; nothing is fetched.

On a torch without CUDA the index's torchvision misses two operators; they are declared here, for the tests only.
"""

from __future__ import annotations

import hashlib
import pickle
import re
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy
import pytest
import torch

from tipi import PipelineRunner
from tipi.errors import ConfigError
from tipi_plugins.builtin.loaders import Data
from tipi_plugins.builtin.network import Network

if find_spec("torchvision") is None:
    pytest.skip("needs torchvision", allow_module_level=True)

pytestmark = pytest.mark.filterwarnings("ignore")  # what the packages warn of is their own concern
PRINTED = Path(__file__).with_name("level5_as_printed.toml")
CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
OPERATORS = []


@pytest.fixture(autouse=True)
def torchvision(monkeypatch, tmp_path):
    """Return torchvision, with its operators declared if need be; weights are looked for in the test's own folder."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch_home"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.chdir(tmp_path)
    try:
        import torchvision
    except RuntimeError:
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        OPERATORS.append(torch.library.Library("torchvision", "DEF"))
        for name in ("nms", "qnms"):
            OPERATORS[-1].define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        import torchvision
    return torchvision


@pytest.fixture
def cifar10(torchvision, monkeypatch, tmp_path):
    """A small archive in CIFAR-10's own format, unpacked in ``data``; its checksums are what torchvision expects."""
    folder = tmp_path / "data" / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    random = numpy.random.default_rng(0)
    patterns = random.integers(0, 256, (10, 3072))

    def write(name, content):
        (folder / name).write_bytes(pickle.dumps(content, protocol=2))
        return [name, hashlib.md5((folder / name).read_bytes()).hexdigest()]

    def batch(count):
        labels = [index % 10 for index in range(count)]
        images = numpy.clip(patterns[labels] + random.normal(0, 20, (count, 3072)), 0, 255).astype(numpy.uint8)
        return {"data": images, "labels": labels, "batch_label": "", "filenames": [f"{name}.png" for name in labels]}

    dataset = torchvision.datasets.CIFAR10
    monkeypatch.setattr(dataset, "train_list", [write(f"data_batch_{index}", batch(20)) for index in range(1, 6)])
    monkeypatch.setattr(dataset, "test_list", [write("test_batch", batch(20))])
    meta = write("batches.meta", {"label_names": CLASSES, "num_vis": 3072})
    monkeypatch.setattr(dataset, "meta", {**dataset.meta, "md5": meta[1]})
    return folder


@pytest.fixture
def resnet50(torchvision, tmp_path):
    """Weights of a ResNet-50 where torchvision keeps what it has fetched."""
    name = torchvision.models.ResNet50_Weights.DEFAULT.url.rpartition("/")[2]
    file = tmp_path / "torch_home" / "hub" / "checkpoints" / name
    file.parent.mkdir(parents=True)
    original = torchvision.models.resnet50()
    torch.save(original.state_dict(), file)
    return original


@pytest.fixture
def level5(tmp_path):
    """The pipeline of level 5, as it is printed."""
    (tmp_path / "configs" / "my_pipeline").mkdir(parents=True)
    (tmp_path / "configs" / "my_pipeline" / "execute_pipeline.toml").write_text(PRINTED.read_text())


def test_the_pipeline_of_level_5_for_one_epoch(cifar10, resnet50, level5):
    result = PipelineRunner("my_pipeline", overrides={"training.epochs": 1, "training.checkpoint": False}).run()
    assert result["training"]["epochs"] == 1
    assert "automobile" in (result.path / "artifacts" / "test-classes.txt").read_text()


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_the_pipeline_of_level_5_as_printed(cifar10, resnet50, level5):
    result = PipelineRunner("my_pipeline").run()
    assert result["training"]["epochs"] == 10
    assert result["testing"]["accuracy"] > 0.5  # the images have patterns that are easy to tell


@pytest.mark.gpu
def test_the_pipeline_of_level_5_as_printed_on_a_gpu(cifar10, resnet50, level5):
    result = PipelineRunner("my_pipeline").run()
    assert result["training"]["epochs"] == 10
    assert result["testing"]["accuracy"] > 0.5
    assert torch.cuda.max_memory_allocated() > 10**8  # ResNet-50 was there


def test_a_pretrained_model_of_torchvision_gets_another_head(run, resnet50):
    model = Network("resnet50", num_classes=7, pretrained=True).model
    assert (model.fc.in_features, model.fc.out_features) == (2048, 7)
    assert torch.equal(model.layer1[0].conv1.weight, resnet50.layer1[0].conv1.weight)


def test_weights_that_are_not_here_are_an_error_with_their_place(run, tmp_path, monkeypatch):
    def offline(*arguments, **keywords):
        raise OSError("no route to host")

    monkeypatch.setattr("torch.hub.urlopen", offline)
    with pytest.raises(ConfigError, match=r"weights of model 'resnet18' cannot be had: .*no route to host") as caught:
        Network("resnet18", pretrained=True)
    assert re.search(rf"put it at {tmp_path}/torch_home/hub/checkpoints/resnet18-\w+\.pth", str(caught.value))


def test_cifar10_is_read_from_its_own_format(run, cifar10):
    data = Data("CIFAR10", batch_size=8)
    assert (data.classes, data.num_classes, data.shape) == (CLASSES, 10, (3, 32, 32))
    assert [len(loader.dataset) for loader in (data.train_loader, data.val_loader, data.test_loader)] == [90, 10, 20]
    inputs, targets = next(iter(data.train_loader))
    assert (inputs.shape, inputs.dtype, targets.dtype) == ((8, 3, 32, 32), torch.float32, torch.int64)


def test_images_of_a_package_are_scaled_where_a_size_is_given(run, cifar10):
    assert Data("CIFAR10", options={"size": [16, 24]}).shape == (3, 16, 24)


def test_a_damaged_or_missing_archive_is_named_with_what_to_do(run, cifar10):
    (cifar10 / "data_batch_3").write_bytes(b"damaged")
    with pytest.raises(
        ConfigError, match=r"dataset 'CIFAR10' cannot be read from .*/data: .*corrupted.*download = true"
    ):
        Data("CIFAR10")
    with pytest.raises(ConfigError, match=r"cannot be read from .*/nowhere"):
        Data("CIFAR10", root="nowhere")


def test_misspelt_names_get_near_misses(run):
    with pytest.raises(ConfigError, match=r"no dataset 'CIFAR01', did you mean 'CIFAR10'"):
        Data("CIFAR01")
    with pytest.raises(ConfigError, match=r"no model 'resnet05', did you mean '"):
        Network("resnet05")


def test_a_model_of_timm_has_the_asked_head_and_never_silent_random_weights(run):
    pytest.importorskip("timm")
    assert Network("vit_tiny_patch16_224", num_classes=7).model.head.out_features == 7
    with pytest.raises(ConfigError, match="weights of model 'vit_tiny_patch16_224' cannot be had"):
        Network("vit_tiny_patch16_224", num_classes=7, pretrained=True)
