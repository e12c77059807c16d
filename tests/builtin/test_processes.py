"""Training, validation and testing in real pipelines on small made-up data."""

from __future__ import annotations

import pytest

from tests.builtin.pipelines import TRAINING
from tipi import PipelineRunner
from tipi.errors import ConfigError, GuardStop, TipiError
from tipi_plugins.builtin.recipes import rate_factor

PIPELINE = f"""
seed = 1
{TRAINING}
[processes.validation]
type = "ValidationProcess"

[processes.testing]
type = "TestingProcess"
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "configs" / "small"
    folder.mkdir(parents=True)
    (folder / "pipeline.toml").write_text(PIPELINE)
    return tmp_path


def run(**overrides):
    return PipelineRunner("small", overrides={key.replace("__", "."): value for key, value in overrides.items()}).run()


def test_a_network_learns_and_is_measured(project):
    result = run()
    assert result["testing"]["split"] == "test"
    assert result["testing"]["accuracy"] > 0.9
    assert set(result["validation"]) == {"split", "loss", "accuracy"}
    assert (result["training"]["split"], result["training"]["epochs"]) == ("train", 3)
    assert result.metrics["test/accuracy"] == result["testing"]["accuracy"]


def test_the_same_seed_gives_the_same_numbers_to_the_last_bit(project):
    first, second, other = run(), run(), run(seed=2)
    for process in ("training", "validation", "testing"):
        assert first[process] == second[process]
    assert first["testing"] != other["testing"]


def test_the_weights_of_the_best_epoch_are_kept(project):
    result = run(training__epochs=8, training__learning_rate=0.3, training__schedule="constant")
    losses = [row["values"]["val/loss"] for row in metrics(result) if "epoch" in row["values"]]
    assert result["training"]["best_epoch"] == losses.index(min(losses)) + 1
    assert result["validation"]["loss"] == pytest.approx(min(losses))


def metrics(result):
    from tipi.records import read_record

    return read_record(result.path).metrics()


def test_every_batch_and_every_epoch_is_logged(project):
    rows = [row["values"] for row in metrics(run())]
    assert sum("train/batch_loss" in row for row in rows) == 3 * 7
    assert [row["epoch"] for row in rows if "epoch" in row] == [1, 2, 3]


def test_without_validation_data_the_last_epoch_stays_and_validation_is_skipped(project):
    result = run(data__val_fraction=0.0)
    assert result["training"]["best_epoch"] == 3
    assert result.outcomes["validation"].skipped
    assert result.outcomes["validation"].reason == "the data has no val part"


def test_one_method_is_overridden_to_change_one_thing(project):
    (project / "my_training.py").write_text(
        "from torch.nn.utils import clip_grad_norm_\n"
        "from tipi_plugins.builtin.training import TrainingProcess as Builtin\n\n"
        "class ClippedTraining(Builtin):\n"
        "    def train_step(self, model, batch, device):\n"
        "        inputs, targets = batch[0].to(device), batch[1].to(device)\n"
        "        loss = self.loss(model(inputs), targets)\n"
        "        self.optimizer.zero_grad()\n"
        "        loss.backward()\n"
        "        clip_grad_norm_(model.parameters(), max_norm=1.0)\n"
        "        self.optimizer.step()\n"
        "        return loss.item()\n"
    )
    assert run(training__type="ClippedTraining")["testing"]["accuracy"] > 0.9


def test_a_loss_that_is_not_finite_stops_the_run(project):
    words = r"the training loss of epoch 1 is (nan|inf) at batch \d, counted from 0; there is no checkpoint yet"
    with pytest.raises(GuardStop, match=words):
        run(training__learning_rate=1e30, training__epochs=1, training__schedule="constant", training__warmup=0.0)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("training__epochs", 0, "'epochs' of TrainingProcess wants int >= 1, not 0"),
        ("training__learning_rate", -1.0, "'learning_rate' of TrainingProcess wants float >= 0, not -1.0"),
        ("training__schedule", "linear", "schedule"),
        ("training__epochs", 2.5, "epochs"),
    ],
)
def test_wrong_values_are_refused_by_name(project, key, value, words):
    with pytest.raises(ConfigError, match=words):
        run(**{key: value})


def test_a_process_without_its_network_says_so(project):
    text = PIPELINE.replace("permanences.network", "permanences.net")
    (project / "configs" / "small" / "pipeline.toml").write_text(text)
    with pytest.raises((TipiError, LookupError), match="network"):
        run()


def test_the_rate_rises_and_falls():
    rates = [rate_factor(step, 100, "cosine", 0.1) for step in range(100)]
    assert rates[:10] == sorted(rates[:10])
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert (max(rates), rates[-1] < 0.001) == (1.0, True)
    assert rate_factor(50, 100, "constant", 0.0) == 1.0
