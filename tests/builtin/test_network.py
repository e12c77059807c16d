"""The permanence Network: models by name, on the run's device, never with silent random weights."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import torch
from torch import nn

from tipi.plugin import ConfigError, MissingPackage, logger
from tipi_plugins.builtin.keeping import Keeper
from tipi_plugins.builtin.loaders import Data
from tipi_plugins.builtin.network import Network
from tipi_plugins.builtin.packages import import_package

META = torch.device("meta")


@pytest.mark.parametrize("name", ["small_cnn", "mlp"])
def test_built_in_models_are_on_the_runs_device_and_give_scores(run, name):
    network = Network(name, num_classes=7)
    assert network.device == torch.device("cpu")
    assert network.model(torch.zeros(2, 1, 8, 8)).shape == (2, 7)


def test_a_given_device_is_taken(run):
    assert next(Network("mlp", device=META).model.parameters()).device == META


def test_the_model_fits_the_data_where_nothing_else_is_said(run):
    data = Data("synthetic", options={"size": 24, "shape": [3, 16, 12], "num_classes": 6})
    for name in ("small_cnn", "mlp"):
        assert Network(name, data=data).model(torch.zeros(2, 3, 16, 12)).shape == (2, 6)
        assert Network(name, num_classes=2, data=data).model(torch.zeros(2, 3, 16, 12)).shape == (2, 2)


def test_options_reach_the_model(run):
    model = Network("mlp", options={"hidden": [16, 8]}).model
    assert [layer.out_features for layer in model if isinstance(layer, nn.Linear)] == [16, 8, 10]


def test_its_state_comes_back(run):
    first, second = Network("mlp"), Network("mlp")
    second.load_state_dict(first.state_dict())
    for one, other in zip(first.model.parameters(), second.model.parameters(), strict=True):
        assert torch.equal(one, other)


@pytest.fixture
def trained(run):
    """A record with checkpoints of three epochs, the second of them the best."""
    with Keeper(run) as keeper:
        for epoch in (1, 2, 3):
            logger.log({"epoch": epoch})
            model = Network("mlp").model
            model[-1].bias.data.fill_(epoch)
            keeper.save({"model": model.state_dict(), "epoch": epoch}, is_best=epoch < 3)
    return run.record.path


def epoch_of(network):
    return int(network.model[-1].bias[0].item())


def test_a_run_means_its_best_checkpoint_and_each_one_can_be_named(trained, tmp_path):
    folder = trained / "checkpoints"
    assert epoch_of(Network("mlp", checkpoint=str(trained))) == 2
    assert epoch_of(Network("mlp", checkpoint=str(folder / "last"))) == 3
    assert epoch_of(Network("mlp", checkpoint=str(folder / "best"))) == 2
    assert epoch_of(Network("mlp", checkpoint=str(folder / "step-00000003"))) == 3
    shutil.copytree(folder / "step-00000002", tmp_path / "elsewhere")
    assert epoch_of(Network("mlp", checkpoint=str(tmp_path / "elsewhere"))) == 2


def damage(path):
    content = bytearray((path / "state.pt").read_bytes())
    content[len(content) // 2] ^= 1
    (path / "state.pt").write_bytes(content)


def test_a_damaged_checkpoint_is_an_error_that_names_a_whole_one(trained):
    folder = trained / "checkpoints"
    damage(folder / "step-00000002")
    with pytest.raises(ConfigError) as caught:
        Network("mlp", checkpoint=str(trained))
    assert "the checkpoint is damaged: its content is not what was written, " in str(caught.value)
    assert "step-00000002, " in str(caught.value)
    assert f"{folder / 'step-00000003'} is whole, of epoch 3: name it with checkpoint" in str(caught.value)
    (folder / "step-00000003" / "manifest.json").unlink()
    with pytest.raises(ConfigError, match="no other checkpoint beside it is whole"):
        Network("mlp", checkpoint=str(trained))


def test_a_file_that_is_no_checkpoint_is_said_to_be_none(run, tmp_path):
    torch.save(Network("mlp").model.state_dict(), tmp_path / "weights.pt")
    with pytest.raises(ConfigError, match=r"no checkpoint at .*weights.pt, .* a file with weights goes to weights"):
        Network("mlp", checkpoint=str(tmp_path / "weights.pt"))


def test_weights_are_read_from_a_file(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    saved = Network("mlp")
    torch.save(saved.model.state_dict(), tmp_path / "weights.pt")
    torch.save(saved.state_dict(), tmp_path / "wrapped.pt")
    for file in ("weights.pt", "wrapped.pt"):
        loaded = Network("mlp", weights=file)
        assert torch.equal(next(loaded.model.parameters()), next(saved.model.parameters()))


def test_weights_that_are_missing_or_do_not_fit_are_an_error(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save(Network("small_cnn").model.state_dict(), tmp_path / "other.pt")
    (tmp_path / "text.pt").write_text("hello")
    with pytest.raises(ConfigError, match=r"there are no weights at .*gone\.pt"):
        Network("mlp", weights="gone.pt")
    misfit = r"1\.weight is \(32,\) there and .*; 1 more of other shapes; unknown: 0\.weight, .* and 19 more"
    with pytest.raises(ConfigError, match=rf"other\.pt do not fit model 'mlp': {misfit}"):
        Network("mlp", weights="other.pt")
    torch.save(Network("mlp", num_classes=7).model.state_dict(), tmp_path / "seven.pt")
    with pytest.raises(ConfigError, match=r"4\.weight is \(7, 128\) there and \(10, 128\) in the model; 4\.bias is"):
        Network("mlp", weights="seven.pt")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"hello", "are not read: it is empty, damaged, or no file of torch.save"),
        (b"", "are not read: it is empty, damaged, or no file of torch.save"),
        (nn.Linear(2, 2), "are not read: it holds more than tensors, perhaps a whole model"),
        ([1, 2], "holds a list, no weights, save model.state_dict"),
        ({"epoch": 3}, "do not fit model 'mlp': missing: 1.weight, .* unknown: epoch"),
    ],
)
def test_files_that_hold_no_weights_are_one_sentence(run, tmp_path, monkeypatch, content, words):
    monkeypatch.chdir(tmp_path)
    if isinstance(content, bytes):
        (tmp_path / "weights.pt").write_bytes(content)
    else:
        torch.save(content, tmp_path / "weights.pt")
    with pytest.raises(ConfigError, match=words) as caught:
        Network("mlp", weights="weights.pt")
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("wrapper", ["module.", "_orig_mod.", "model.", "net.body."])
def test_weights_of_a_wrapped_model_are_recognised(run, tmp_path, monkeypatch, wrapper):
    monkeypatch.setenv("HOME", str(tmp_path))
    saved = Network("mlp").model
    state = {f"{wrapper}{name}": value for name, value in saved.state_dict().items()}
    torch.save({"state_dict": state, "epoch": 3}, tmp_path / "weights.pt")
    assert torch.equal(next(Network("mlp", weights="~/weights.pt").model.parameters()), next(saved.parameters()))
    torch.save({**state, f"{wrapper}more": torch.zeros(1)}, tmp_path / "weights.pt")
    with pytest.raises(ConfigError, match=f"unknown: {wrapper}1.weight"):
        Network("mlp", weights="~/weights.pt")


def test_only_one_place_to_start_from_is_taken(run):
    with pytest.raises(ConfigError, match="weights and checkpoint are two places to start from"):
        Network("mlp", weights="weights.pt", checkpoint="runs/one")


def test_a_module_of_a_package_that_is_not_there_is_named_with_the_package(run):
    with pytest.raises(MissingPackage, match=r"it needs no_such\.thing, which is not installed, pip install no_such$"):
        import_package("no_such.thing", "it")


def test_safetensors_are_read_or_the_package_is_named(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "weights.safetensors").write_bytes(b"")
    for name in ("safetensors", "safetensors.torch"):  # the second may be imported already
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingPackage, match=r"the file weights\.safetensors needs safetensors"):
        Network("mlp", weights="weights.safetensors")


def test_weights_that_export_wrote_are_read(run, tmp_path, monkeypatch):
    pytest.importorskip("safetensors")
    from tipi_plugins.builtin.exporting import write_weights

    saved = Network("mlp").model
    write_weights(saved, tmp_path / "weights.safetensors")
    loaded = Network("mlp", weights=str(tmp_path / "weights.safetensors")).model
    assert torch.equal(next(loaded.parameters()), next(saved.parameters()))


class Takes:
    """The part of a controller that finds one model."""

    def __init__(self, model):
        self.model = model
        self.run = SimpleNamespace(root=Path())

    def find_resource(self, kind, name):
        return self.model


def deep(depth: int, num_classes: int = 3) -> nn.Module:
    return nn.Linear(depth, num_classes)


@pytest.mark.parametrize(
    ("model", "options", "words"),
    [
        (deep, {}, "missing parameter 'depth' of model 'mine:it', give it in options"),
        (deep, {"depth": "two"}, "parameter 'depth' of model 'mine:it' wants int, not 'two'"),
        (deep, {"dept": 2}, r"unknown parameter 'dept' of model 'mine:it', did you mean 'depth'\?"),
        (nn.Linear(1, 1), {}, "model 'mine:it' is one that is made already, name its class"),
        (lambda: None, {}, r"model 'mine:it' made a NoneType, wanted is a torch\.nn\.Module"),
    ],
)
def test_a_callable_that_makes_no_model_as_asked_is_one_sentence(run, model, options, words):
    with pytest.raises(ConfigError, match=words):
        Network("mine:it", options=options, controller=Takes(model))


@pytest.mark.parametrize("name", ["small_cnn", "residual_cnn"])
def test_a_network_for_images_refuses_other_inputs_before_anything_trains(run, name):
    flat = SimpleNamespace(shape=(64,), num_classes=2)
    with pytest.raises(ConfigError, match=r"'\w+' takes images.*the inputs have the shape \(64,\), mlp takes"):
        Network(name, data=flat)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"hidden": 12}, r"'hidden' of model 'mlp' wants list\[int >= 1\]"),
        ({"dropout": 2.0}, "'dropout' of model 'mlp' wants float >= 0"),
    ],
)
def test_options_of_the_wrong_kind_or_range_are_named(run, options, words):
    with pytest.raises(ConfigError, match=words):
        Network("mlp", options=options)


def test_pretrained_weights_that_do_not_exist_are_an_error(run):
    with pytest.raises(ConfigError, match="model 'small_cnn' has no pretrained weights"):
        Network("small_cnn", pretrained=True)


def test_misspelt_options_get_near_misses(run):
    with pytest.raises(ConfigError, match=r"'widht' of model 'small_cnn', did you mean 'width'\?"):
        Network("small_cnn", options={"widht": 3})


def test_a_package_that_is_not_installed_is_one_sentence_with_the_command(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", None)
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(MissingPackage) as caught:
        Network("resnet50", num_classes=10, pretrained=True)
    assert caught.value.line() == (
        "tipi: error[missing-package]: model 'resnet50' needs torchvision, which is not installed, "
        "pip install torchvision"
    )
    with pytest.raises(ConfigError, match="no model 'smal_cnn', did you mean 'small_cnn'"):
        Network("smal_cnn")
    with pytest.raises(MissingPackage, match="dataset 'CIFAR10' needs torchvision, which is not installed"):
        Data("CIFAR10")


def test_a_package_that_does_not_import_is_one_sentence_too(run, tmp_path, monkeypatch):
    (tmp_path / "torchvision.py").write_text("raise RuntimeError('operator torchvision::nms does not exist')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "torchvision", raising=False)
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(MissingPackage, match="does not import: RuntimeError: operator torchvision::nms"):
        Network("resnet50")


class TinySet:
    """A dataset of torchvision's kind: it is in its root or it is not."""

    classes = ("cat", "dog")

    def __init__(self, root, train=True, transform=None, download=False):
        if not (Path(root) / "tiny").exists() and not download:
            raise RuntimeError("Dataset not found or corrupted. You can use download=True to download it")
        self.targets = [index % 2 for index in range(40 if train else 10)]
        self.transform = transform

    def __len__(self):
        return len(self.targets)

    def __getitem__(self, index):
        if index >= len(self):
            raise IndexError(index)
        return self.transform([1.0, 2.0]), self.targets[index]


def test_a_dataset_of_a_package_keeps_its_own_test_part(run, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", FakeVision())
    (tmp_path / "mine" / "tiny").mkdir(parents=True)
    data = Data("TinySet", batch_size=4, root=str(tmp_path / "mine"))
    assert [len(loader.dataset) for loader in (data.train_loader, data.val_loader, data.test_loader)] == [36, 4, 10]
    assert (data.classes, data.shape) == (["cat", "dog"], (1, 1, 2))


def test_a_dataset_that_is_not_on_disk_is_never_fetched_unasked(run, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", FakeVision())
    with pytest.raises(ConfigError, match=r"dataset 'TinySet' cannot be read from .*/nowhere: .*set download = true"):
        Data("TinySet", root=str(tmp_path / "nowhere"))
    assert len(Data("TinySet", root=str(tmp_path), download=True).test_loader.dataset) == 10


class Undivided(TinySet):
    """A dataset that says nothing of parts."""

    def __init__(self, root, transform=None):
        super().__init__(root, transform=transform, download=True)


class Split(TinySet):
    """A dataset in parts of which one has another name, and one may have no name that is known."""

    names = ("train", "valid", "test")

    def __init__(self, root, split: str, transform=None, size: int = 40):
        if split not in self.names:
            raise ValueError(f"Unknown value '{split}' for argument split. Valid values are {self.names}.")
        super().__init__(root, transform=transform, download=True)
        self.targets = self.targets[: size - self.names.index(split)]


class PassedOn(TinySet):
    """A dataset that hands most of its arguments on."""

    def __init__(self, root, **keywords):
        super().__init__(root, **keywords)


class Unasked(TinySet):
    """A dataset that would be fetched where nothing is said."""

    def __init__(self, root, transform=None, download=True):
        super().__init__(root, transform=transform, download=download)


class NeedsMore(TinySet):
    """A dataset that needs a package more."""

    def __init__(self, root, transform=None):
        raise ModuleNotFoundError("No module named 'lmdb'", name="lmdb")


def test_what_would_be_fetched_where_nothing_is_said_is_not(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", FakeVision())
    with pytest.raises(ConfigError, match="dataset 'Unasked' cannot be read"):
        Data("Unasked")
    assert Network("masks_net", num_classes=3).model.out_channels == 3
    with pytest.raises(ConfigError, match="cannot be made: no route to host"):
        Network("masks_net", num_classes=3, options={"weights_backbone": "default"})


def test_a_package_that_one_dataset_needs_is_named(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", FakeVision())
    with pytest.raises(MissingPackage, match="dataset 'NeedsMore' needs lmdb, which is not installed, pip"):
        Data("NeedsMore")


def test_arguments_that_a_dataset_of_a_package_hands_on_reach_it(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", FakeVision())
    data = Data("PassedOn", download=True)
    assert (part_sizes(data), data.shape) == ([28, 4, 8], (1, 1, 2))


def part_sizes(data):
    return [len(loader.dataset) for loader in (data.train_loader, data.val_loader, data.test_loader)]


def test_a_dataset_of_a_package_without_parts_is_split_so_that_no_item_is_tested_on_twice(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", FakeVision())
    assert part_sizes(Data("Undivided")) == [28, 4, 8]


def test_the_parts_that_a_dataset_of_a_package_has_are_all_taken(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", FakeVision())
    assert part_sizes(Data("Split")) == [40, 39, 38]
    assert part_sizes(Data("Split", options={"split": "valid"})) == [27, 4, 8]
    monkeypatch.setattr(Split, "names", ("trainval", "test"))
    with pytest.raises(ConfigError, match=r"dataset 'Split': Unknown value 'train'.*trainval.*, give it in options"):
        Data("Split")
    assert part_sizes(Data("Split", options={"split": "trainval"})) == [28, 4, 8]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"sise": 3}, "unknown parameter 'sise' of dataset 'Split'"),
        ({"size": "x"}, "'size' of dataset 'Split' wants int"),
    ],
)
def test_options_of_a_packages_dataset_are_checked(run, monkeypatch, options, words):
    monkeypatch.setitem(sys.modules, "torchvision", FakeVision())
    with pytest.raises(ConfigError, match=words):
        Data("Split", options=options)


class FakeTimm(ModuleType):
    """A timm with one model, which takes a name of its weights behind a point."""

    def list_models(self):
        return ["tiny_vit"]

    def create_model(self, name, pretrained=False, num_classes=1000, width=4):
        if not name.endswith((".good", "tiny_vit")):
            raise RuntimeError(f"Invalid pretrained tag ({name.partition('.')[2]}) for tiny_vit.")
        return nn.Linear(width, num_classes)


def test_a_model_of_timm_may_name_its_weights(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", FakeVision())
    monkeypatch.setitem(sys.modules, "timm", FakeTimm("timm"))
    assert Network("tiny_vit.good", num_classes=7).model.out_features == 7
    for name, options, words in (("tiny_vit.bad", {}, "Invalid pretrained tag"), ("tiny_vit", {"wide": 1}, "'wide'")):
        with pytest.raises(ConfigError, match=f"model '{name}' cannot be made: .*{words}"):
            Network(name, options=options)


class FakeVision(ModuleType):
    """A torchvision with one model, whose weights are or are not at hand."""

    def __init__(self, reachable=True):
        super().__init__("torchvision")
        self.reachable = reachable
        weights = SimpleNamespace(url="https://example.org/tiny-abc.pth")
        self.models = SimpleNamespace(
            list_models=lambda: ["tiny_resnet", "masks_net"],
            get_model_builder=lambda name: self.get_masks if name == "masks_net" else self.get_model,
            get_model_weights=lambda name: SimpleNamespace(DEFAULT=weights),
            get_model=lambda name, **keywords: self.models.get_model_builder(name)(name, **keywords),
        )
        kinds: dict = {"Unasked": Unasked, "NeedsMore": NeedsMore}
        kinds |= {"TinySet": TinySet, "Undivided": Undivided, "Split": Split, "PassedOn": PassedOn}
        self.datasets = SimpleNamespace(**kinds, __all__=("TinySet",))
        self.transforms = SimpleNamespace(
            Compose=lambda steps: lambda value: steps[1](steps[0](value)),
            ToTensor=lambda: lambda value: torch.tensor([[value]]),
            Normalize=lambda mean, spread: lambda image: image,
        )

    def get_masks(self, name, weights=None, weights_backbone="default", num_classes=1000):
        if weights_backbone is not None:
            raise OSError("no route to host")
        return nn.Conv2d(3, num_classes, 1)

    def get_model(self, name, weights=None, num_classes=1000):
        if weights is not None and not self.reachable:
            raise OSError("no route to host")
        torch.manual_seed(0)
        body = nn.Linear(4, 3)
        return nn.Sequential(body, nn.Sequential(nn.ReLU(), nn.Linear(3, num_classes)))


def test_the_head_of_a_pretrained_model_is_swapped_and_the_rest_kept(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", FakeVision())
    original = FakeVision().get_model("tiny_resnet")
    model = Network("tiny_resnet", num_classes=10, pretrained=True).model
    assert model(torch.zeros(2, 4)).shape == (2, 10)
    assert torch.equal(model[0].weight, original[0].weight)


def test_a_misspelt_name_gets_a_near_miss_of_the_packages_too(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", FakeVision())
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(ConfigError, match=r"no model 'tiny_resnt', did you mean 'tiny_resnet'\?"):
        Network("tiny_resnt")
    with pytest.raises(MissingPackage, match="model 'zzz' needs timm"):
        Network("zzz")


def test_without_pretrained_the_package_makes_the_right_size(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", FakeVision(reachable=False))
    assert Network("tiny_resnet", num_classes=10).model(torch.zeros(1, 4)).shape == (1, 10)


def test_weights_that_cannot_be_fetched_are_never_replaced_by_random_ones(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", FakeVision(reachable=False))
    with pytest.raises(ConfigError) as caught:
        Network("tiny_resnet", num_classes=10, pretrained=True)
    assert "cannot be had: no route to host" in str(caught.value)
    assert "checkpoints/tiny-abc.pth" in str(caught.value)
    assert "pretrained = false" in str(caught.value)
