"""Names and ranges of the built-in types are checked before torch is paid for, and before a run's folder is made."""

import inspect
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from torch import nn, optim
from torch.nn import functional
from torch.optim import lr_scheduler

from tipi.plugin import MissingPackage
from tipi.records import read_record
from tipi_plugins.builtin import checking, known, recipes
from tipi_plugins.builtin.measures import MEANS, find_measures

WRONG = """
[permanences.network]
type = "Network"
params = { model = "resnet5O", num_classes = 0 }

[permanences.data]
type = "Data"
params = { dataset = "digit", batch_size = 0, val_fraction = 1.0, workers = -1 }

[processes.training]
type = "TrainingProcess"

[processes.training.params]
epochs = -1
learning_rate = -0.1
optimizer = "adanw"
schedule = "cosin"
loss = "cross_entropi"
metrics = ["f1", "acuracy"]
callbacks = ["os:system"]

[processes.validation]
type = "ValidationProcess"
params = { loss = "mse_los", metrics = ["recal"] }
"""
EXPECTED = [
    ("3:12", "there is no model 'resnet5O'", "'resnet50'"),
    ("3:32", "'num_classes' of Network wants int >= 1 or None, not 0", ""),
    ("7:12", "there is no dataset 'digit'", "'digits'"),
    ("7:31", "'batch_size' of Data wants int >= 1, not 0", ""),
    ("7:47", "'val_fraction' of Data wants float >= 0 and < 1, not 1.0", ""),
    ("7:67", "'workers' of Data wants int >= 0, not -1", ""),
    ("13:1", "'epochs' of TrainingProcess wants int >= 1, not -1", ""),
    ("14:1", "'learning_rate' of TrainingProcess wants float >= 0, not -0.1", ""),
    ("15:1", "there is no optimizer 'adanw'", "'AdamW'"),
    ("16:1", "there is no schedule 'cosin'", "'cosine'"),
    ("17:1", "there is no loss 'cross_entropi'", "'cross_entropy'"),
    ("18:1", "there is no metric 'acuracy'", "'accuracy'"),
    ("19:1", "'os:system' is neither the project's nor a plugin's code", 'trust = ["os"]'),
    ("23:12", "there is no loss 'mse_los'", "'mse_loss'"),
    ("23:30", "there is no metric 'recal'", "'recall'"),
]


@pytest.fixture
def packages(tmp_path):
    """A torchvision and a timm that cannot be imported, with the files that say what they have."""
    files = {
        "torchvision/__init__.py": "raise RuntimeError('imported')",
        "torchvision/models/resnet.py": "@register_model()\n@handle(\n    weights=1,\n)\ndef resnet50(): ...\n",
        "torchvision/models/quantized/net.py": '@register_model(name="quantized_net")\ndef net():\n    pass\n',
        "torchvision/datasets/__init__.py": "from .cifar import CIFAR10, CIFAR100\n__all__ = ('CIFAR10',)\n",
        "timm/__init__.py": "raise RuntimeError('imported')",
        "timm/models/vit.py": "def helper():\n    pass\n\n@register_model\ndef vit_tiny(pretrained=False):\n    pass\n",
    }
    for name, text in files.items():
        file = tmp_path / "packages" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path / "packages"


def test_every_wrong_name_and_number_is_found_without_torch(cli, tipi_project, packages):
    tipi_project.write("configs/wrong.toml", WRONG)
    shown = cli("validate", "wrong", cwd=tipi_project.path, PYTHONPATH=str(packages))
    found = shown.err.split("\n\n")
    assert shown.code == 2
    for problem, (place, what, hint) in zip(found, EXPECTED, strict=False):
        assert problem.startswith(f"configs/wrong.toml:{place}: "), problem
        assert what in problem
        assert hint in problem.splitlines()[-1] or not hint
    assert len(found) - 1 == len(EXPECTED)


def test_nothing_is_imported_to_tell(python, tipi_project, packages):
    tipi_project.write("configs/wrong.toml", WRONG)
    code = (
        "import sys\nfrom tipi_core.cli.group import run_command\nassert run_command(['validate', 'wrong']) == 2\n"
        "assert not {'torch', 'torchvision', 'timm', 'numpy'} & set(sys.modules)"
    )
    done = python("-c", code, cwd=tipi_project.path, PYTHONPATH=str(packages))
    assert done.code == 0, done.err


def test_a_run_with_a_wrong_name_makes_no_folder(cli, tipi_project):
    tipi_project.write("configs/wrong.toml", WRONG)
    assert cli("run", "wrong", cwd=tipi_project.path).code == 2
    assert not (tipi_project.path / "runs").exists()


@pytest.mark.parametrize(("file", "name"), [("mine.py", "mine"), ("parts/nets/__init__.py", "parts.nets")])
def test_code_of_the_project_behind_a_point_is_recognised(cli, tipi_project, file, name):
    tipi_project.write(file, "def tower(): ...\n")
    tipi_project.write("configs/wrong.toml", f"[permanences.network]\ntype='Network'\nparams.model = '{name}.tower'\n")
    done = cli("validate", "wrong", cwd=tipi_project.path)
    assert (done.code, f"did you mean '{name}:tower'?" in done.err) == (2, True)


def test_what_installed_packages_have_is_right(cli, tipi_project, packages):
    for model in ("resnet50", "quantized_net", "vit_tiny", "vit_tiny.augreg", "small_cnn"):
        words = [f"network.model={model}", "data.dataset=CIFAR10", "data.download=true"]
        tipi_project.write(
            "configs/right.toml",
            "[permanences.network]\ntype='Network'\n[permanences.data]\ntype='Data'\n"
            "[processes.training]\ntype='TrainingProcess'\nparams = { optimizer = 'sgd', loss = 'CrossEntropyLoss' }\n",
        )
        done = cli("validate", "right", *words, cwd=tipi_project.path, PYTHONPATH=str(packages))
        assert done.code == 0, done.err


def test_a_package_that_is_not_there_is_named_with_its_cure(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", None)
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(MissingPackage, match="model 'resnet50' needs torchvision, which is not installed"):
        list(known.models("resnet50"))
    with pytest.raises(MissingPackage, match="dataset 'CIFAR10' needs torchvision"):
        list(known.datasets("CIFAR10"))


def test_the_names_of_torch_are_those_that_a_run_finds():
    optimizers = {name for name, value in vars(optim).items() if inspect.isclass(value)} - {"Optimizer"}
    assert optimizers == {name for name in known.optimizers("") if name != name.lower()}
    schedules = {name for name, value in vars(lr_scheduler).items() if inspect.isclass(value) and name.endswith("LR")}
    assert {name for name in schedules if not name.startswith("_")} <= set(known.schedules(""))
    losses = recipes._losses(functional, inspect.isfunction) | recipes._losses(nn, inspect.isclass)
    assert {name for name in losses if "Options" not in name} - set(known.losses("")) <= {"AdaptiveLogSoftmaxWithLoss"}
    assert set(known.losses("")) <= {*losses, *(name.lower() for name in losses)}


def test_the_metrics_are_those_that_a_run_finds():
    names = list(known.metrics(""))
    found = find_measures(None, [name for name in names if name not in MEANS])
    assert {"accuracy", *found.averages, *MEANS} == set(names)


@pytest.mark.skipif(find_spec("torchvision") is not None, reason="torchvision is installed")
def test_the_pipeline_of_level_5_as_printed_names_everything_that_is_missing(cli, tipi_project):
    printed = Path(__file__).with_name("level5_as_printed.toml").read_text()
    tipi_project.write("configs/my_pipeline/execute_pipeline.toml", printed)
    done = cli("run", "my_pipeline", cwd=tipi_project.path)
    assert done.code == 2
    assert "model 'resnet50' needs torchvision, which is not installed" in done.err
    assert "dataset 'CIFAR10' needs torchvision, which is not installed" in done.err
    assert done.last_line.startswith("tipi: error[config]: 2 problems in configs/my_pipeline/execute_pipeline.toml")
    assert "Traceback" not in done.err
    assert not (tipi_project.path / "runs").exists()


def test_the_same_pipeline_with_the_built_in_model_and_dataset_reads_97_of_100_digits(cli, tipi_project):
    printed = Path(__file__).with_name("level5_as_printed.toml").read_text()
    text = (
        printed.replace('"resnet50"', '"small_cnn"').replace('"CIFAR10"', '"digits"').replace(", pretrained = true", "")
    )
    tipi_project.write("configs/my_pipeline/execute_pipeline.toml", text)
    done = cli("run", "my_pipeline", cwd=tipi_project.path)
    assert done.code == 0, done.err
    (run,) = (tipi_project.path / "runs" / "my_pipeline").glob("2*")
    rows = [row["values"] for row in read_record(run).metrics() if "test/accuracy" in row["values"]]
    assert rows[-1]["test/accuracy"] >= 0.97


MISSING = """
[permanences.network]
type = "Network"
params = { model = "mlp", weights = "gone.pt", checkpoint = "runs/gone" }

[permanences.data]
type = "Data"
params = { dataset = "folder", root = "pets" }

[processes.testing]
type = "TestingProcess"
"""


def test_files_and_folders_that_are_missing_are_found_by_validate_without_torch(cli, tipi_project):
    tipi_project.write("configs/missing.toml", MISSING)
    tipi_project.write("torch.py", "raise SystemExit('torch was imported')")
    for command in ("validate", "run"):
        done = cli(command, "missing", cwd=tipi_project.path, PYTHONPATH=str(tipi_project.path))
        assert done.code == 2, done.err
        assert f"missing.toml:3:27: there are no weights at {tipi_project.path}/gone.pt" in done.err
        assert f"missing.toml:3:48: there is no checkpoint at {tipi_project.path}/runs/gone" in done.err
        assert f"missing.toml:7:32: dataset 'folder': there is no folder {tipi_project.path}/pets" in done.err
        assert "name it with root" in done.err
    assert not (tipi_project.path / "runs").exists()


def test_a_folder_without_classes_is_found_too(cli, tipi_project):
    tipi_project.write("configs/missing.toml", MISSING.replace(', weights = "gone.pt", checkpoint = "runs/gone"', ""))
    (tipi_project.path / "pets").mkdir()
    done = cli("validate", "missing", cwd=tipi_project.path)
    assert (done.code, "pets has no images" in done.err) == (2, True)
    (tipi_project.path / "pets" / "cat").mkdir()
    assert cli("validate", "missing", cwd=tipi_project.path).code == 0


MONITORED = """[processes.training]
type = "TrainingProcess"
params = { monitor = "val/accuracy", mode = "max" }

[permanences]
network = { type = "Network", params = { model = "mlp" } }
data = { type = "Data", params = { dataset = "digits" } }
"""
OWN = """
from tipi_plugins.builtin.training import TrainingProcess

class Sure(TrainingProcess):
    def metrics(self, outputs, targets):
        return {"sureness": outputs.max()}
"""


@pytest.mark.parametrize(
    ("words", "place", "told"),
    [
        (["training.monitor=val/acuracy"], "override training.monitor=val/acuracy", "did you mean 'val/accuracy'?"),
        (["training.metrics=['f1']"], "chosen.toml:3:12", "logged: learning_rate, train/loss, val/f1, val/loss"),
        (["training.monitor=loss"], "override training.monitor=loss", "did you mean 'val/loss'?"),
        (["training.monitor=val/mine:certainty", "training.metrics=['mine:certainty']"], "", "'val/certainty'"),
    ],
)
def test_a_metric_to_choose_by_that_nobody_logs_is_found_by_validate(cli, tipi_project, words, place, told):
    tipi_project.write("configs/chosen.toml", MONITORED)
    tipi_project.write("mine.py", OWN)
    done = cli("validate", "chosen", *words, cwd=tipi_project.path)
    assert done.code == 2
    assert "to choose by" in done.err
    assert place in done.err
    assert told in done.err


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["training.monitor=train/loss"],
        ["training.monitor=learning_rate"],
        ["training.monitor=val/certainty", "training.metrics=['mine:certainty', 'f1']"],
        ["training.monitor=val/top5", "training.metrics=['top5']"],
        ["training.monitor=val/sureness", "training.type=Sure"],
        ["training.monitor=val/sureness", "training.type=mine:Sure"],
        ["training.monitor=${run:name}"],
        ["training.metrics=['${run:name}']"],
    ],
    ids=" ".join,
)
def test_a_metric_to_choose_by_that_may_be_logged_is_no_mistake(cli, tipi_project, words):
    tipi_project.write("configs/chosen.toml", MONITORED)
    tipi_project.write("mine.py", OWN)
    done = cli("validate", "chosen", *words, cwd=tipi_project.path)
    assert (done.code, done.err) == (0, "")


def test_what_refers_to_the_run_is_not_checked_as_if_it_were_not_there(cli, tipi_project):
    text = MISSING.replace('root = "pets"', 'root = "${run:dir}/pets"').replace(
        'weights = "gone.pt", checkpoint = "runs/gone"', ""
    )
    tipi_project.write("configs/missing.toml", text.replace('"mlp", ', '"mlp" '))
    assert cli("validate", "missing", cwd=tipi_project.path).code == 0


def test_what_a_check_cannot_know_is_left_to_the_run(monkeypatch):
    monkeypatch.setattr(checking, "datasets", lambda name: ["CIFAR10", "FakeData"])
    root = Path("/nowhere")
    for params in (
        {},
        {"dataset": "digits"},
        {"dataset": "mine:pets"},
        {"dataset": "of_another_plugin"},
        {"dataset": "FakeData"},
        {"dataset": "CIFAR10", "download": True},
    ):
        assert list(checking.check_data(params, root)) == []
    assert [where for where, *_ in checking.check_data({"dataset": "CIFAR10"}, root)] == ["dataset"]
    assert list(checking.check_network({"model": "mlp"}, root)) == []
