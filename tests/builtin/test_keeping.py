"""When a training's checkpoints are written: seldom where epochs are short, and always before it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from tests.builtin.pipelines import TRAINING
from tipi import PipelineRunner
from tipi.errors import GuardStop, RunInterrupted, StorageError
from tipi.plugin import load_checkpoint, logger
from tipi.records import read_record
from tipi_plugins.builtin import keeping
from tipi_plugins.builtin.keeping import Keeper, copy_of
from tipi_plugins.devices.torch_backend import TorchBackend

PIPELINE = TRAINING.replace("epochs = 3", 'epochs = 4, callbacks = ["mine:after"]')

OWN = """
import os, signal, time
from pathlib import Path

def spoil(process, epoch, figures):
    # as a last step with gradients that were too large: the losses before it were still finite
    validate = type(process).validate_epoch
    if epoch == 2:
        def spoilt(model, device):
            found = validate(process, model, device)
            next(model.parameters()).data.fill_(float("inf"))
            return found
        process.validate_epoch = spoilt

def ends_the_validation(outputs, targets):
    what = os.environ.get("WHILE_VALIDATING")
    if what == "term":
        os.kill(os.getpid(), signal.SIGTERM)
    if what == "raise":
        raise LookupError("of the user")
    return outputs.mean()

def after(process, epoch, figures):
    what = os.environ.get("AFTER_TWO")
    if epoch == 2 and what == "raise":
        raise LookupError("of the user")
    if epoch == 2 and what == "term":
        os.kill(os.getpid(), signal.SIGTERM)
    if epoch == 2 and what == "kill":
        until = time.monotonic() + 30
        while time.monotonic() < until and not list(Path("runs").glob("*/*/checkpoints/last")):
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGKILL)
"""

BACKEND = TorchBackend()


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "small.toml").write_text(PIPELINE)
    (tmp_path / "mine.py").write_text(OWN)
    return tmp_path


def train(**params):
    return PipelineRunner("small", overrides={f"training.{name}": value for name, value in params.items()}).run()


def the_run(project):
    (folder,) = (project / "runs" / "small").glob("2*")
    return folder


def marked(folder, word):
    name = (folder / "checkpoints" / word).read_text().strip()
    return load_checkpoint(folder, BACKEND, name).state


def epochs_in(folder):
    """The epochs of all checkpoints on disk, each of them whole."""
    names = sorted(path.name for path in (folder / "checkpoints").glob("step-*"))
    return [load_checkpoint(folder, BACKEND, name).state["epoch"] for name in names]


def written(folder):
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    return [event["path"] for event in events if event["event"] == "checkpoint"]


@pytest.mark.usefixtures("project")
def test_short_epochs_leave_the_best_and_the_last_two_at_the_end_and_write_no_others(monkeypatch):
    monkeypatch.setattr(keeping, "APART", 60.0)  # epochs are short beside it, even on a busy machine
    result = train(epochs=8, schedule="constant", learning_rate=0.3)
    assert marked(result.path, "last")["epoch"] == 8
    assert marked(result.path, "best")["epoch"] == result["training"]["best_epoch"]
    assert epochs_in(result.path) == sorted({result["training"]["best_epoch"], 7, 8})
    assert len(written(result.path)) == len(epochs_in(result.path))


@pytest.mark.usefixtures("project")
def test_long_epochs_are_each_written_when_they_end(monkeypatch):
    monkeypatch.setattr(keeping, "APART", 0.0)
    assert len(written(train().path)) == 4


@pytest.mark.usefixtures("project")
def test_a_state_that_is_too_large_to_be_copied_is_written_at_once(monkeypatch):
    monkeypatch.setattr(keeping, "LARGEST", 0)
    assert len(written(train().path)) == 4


@pytest.mark.parametrize(("what", "error"), [("term", RunInterrupted), ("raise", LookupError)])
def test_what_waits_is_written_when_a_signal_or_an_error_ends_the_training(project, monkeypatch, what, error):
    monkeypatch.setenv("AFTER_TWO", what)
    with pytest.raises(error):
        train()
    assert marked(the_run(project), "last")["epoch"] == 2
    assert marked(the_run(project), "best")["epoch"] in (1, 2)


@pytest.mark.parametrize(("what", "error"), [("term", RunInterrupted), ("raise", LookupError)])
def test_what_an_epoch_learned_is_kept_if_its_validation_is_cut_short(project, monkeypatch, what, error):
    monkeypatch.setenv("WHILE_VALIDATING", what)
    with pytest.raises(error):
        train(metrics=["mine:ends_the_validation"])
    state = marked(the_run(project), "last")
    assert (state["epoch"], sorted(state["figures"])) == (1, ["learning_rate", "train/loss"])


def test_a_kill_loses_no_more_than_the_time_between_two_checkpoints(project):
    code = "from tipi_plugins.builtin import keeping; keeping.APART = 0.2; from tipi import PipelineRunner; "
    done = subprocess.run(
        [sys.executable, "-c", code + "PipelineRunner('small').run()"],
        env={**os.environ, "AFTER_TWO": "kill"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert marked(the_run(project), "last")["epoch"] in (1, 2)


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_in_the_middle_of_training_leaves_the_last_epoch_and_says_so(project, signum, code):
    command = [sys.executable, "-m", "tipi", "run", "small", "training.epochs=1000000"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 60
    while time.monotonic() < until and not any(b'"epoch"' in file.read_bytes() for file in rows(project)):
        time.sleep(0.05)
    process.send_signal(signum)
    _, err = process.communicate(timeout=60)
    assert process.returncode == code, err
    assert err.splitlines()[-1] == f"tipi: error[interrupted]: stopped by signal {signum}, everything was cleaned up"
    record = read_record(the_run(project))
    assert record.state == "interrupted"
    ended = [row["values"]["epoch"] for row in record.metrics() if "epoch" in row["values"]]
    last = marked(record.path, "last")["epoch"]
    assert last in (ended[-1], ended[-1] + 1), "one more where the signal came while it was validated"
    assert epochs_in(record.path)[-2:] == [last - 1, last][-last:]


def rows(project):
    return (project / "runs" / "small").glob("2*/metrics.jsonl")


@pytest.mark.parametrize(("how", "largest"), [("kill", "0"), ("interrupt", "1000000")], ids=["kill -9", "Ctrl-C"])
def test_at_whatever_moment_it_ends_every_checkpoint_is_whole_and_every_mark_names_one(tmp_path, how, largest):
    script = Path(__file__).with_name("every_moment.py")
    done = subprocess.run(
        [sys.executable, str(script), how, largest, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["wrong"] == {}
    assert found["moments"] > 60


def test_a_waiting_state_is_that_of_its_moment_and_written_without_being_asked(run, monkeypatch):
    monkeypatch.setattr(keeping, "APART", 0.05)
    weight = torch.zeros(3)
    with Keeper(run) as keeper:
        keeper.save({"model": {"in": weight, "out": weight.detach()}}, is_best=True)
        weight += 1
        until = time.monotonic() + 30
        while not keeper.marks and time.monotonic() < until:
            time.sleep(0.01)
        state = marked(run.record.path, "last")["model"]
    assert state["in"].tolist() == [0, 0, 0]
    assert state["in"].data_ptr() == state["out"].data_ptr(), "tied weights are written once"


def test_a_best_state_waits_beside_later_ones_that_are_not(run):
    with Keeper(run) as keeper:
        for epoch, is_best in enumerate([True, True, False, False], start=1):
            logger.log({"epoch": epoch})
            keeper.save({"epoch": epoch}, is_best)
    assert (marked(run.record.path, "best")["epoch"], marked(run.record.path, "last")["epoch"]) == (2, 4)
    assert sorted(written(run.record.path)) == [f"checkpoints/step-0000000{step}" for step in (2, 3, 4)]


NAN = float("nan")


def keep_epochs(run, scores, weights=(), figures=()):
    """Save an epoch for each score, the best where it is higher than any before; return the epochs on disk."""
    with Keeper(run, {"mask"}) as keeper:
        for epoch, score in enumerate(scores, start=1):
            logger.log({"epoch": epoch})
            model = {"weight": torch.tensor([1.0, dict(weights).get(epoch, 0.0)]), "mask": torch.tensor(-torch.inf)}
            state = {"model": model, "epoch": epoch, "figures": {"val/loss": dict(figures).get(epoch, 0.5), "n": 3}}
            keeper.save(state, is_best=score > max([0, *scores[: epoch - 1]]))
    return epochs_in(run.record.path)


def marks(run):
    return {word: marked(run.record.path, word)["epoch"] for word in ("best", "last", "finite")}


@pytest.mark.parametrize("apart", [0.0, 60.0], ids=["each is written", "all wait"])
@pytest.mark.parametrize("largest", [0, keeping.LARGEST], ids=["large", "small"])
class TestWhatStays:
    @pytest.fixture(autouse=True)
    def _pace(self, monkeypatch, apart, largest):
        monkeypatch.setattr(keeping, "APART", apart)
        monkeypatch.setattr(keeping, "LARGEST", largest)

    @pytest.mark.parametrize(
        ("scores", "left", "best"),
        [
            ([1], [1], 1),
            ([1, 2, 3, 4, 5], [4, 5], 5),
            ([1, 5, 4, 3, 2], [2, 4, 5], 2),
            ([1, 2, 3, 4, 0], [4, 5], 4),
        ],
    )
    def test_the_best_and_the_last_two(self, run, scores, left, best):
        assert keep_epochs(run, scores) == left
        assert marks(run) == {"best": best, "last": len(scores), "finite": len(scores)}

    @pytest.mark.parametrize("value", [NAN, torch.inf, -torch.inf])
    def test_weights_that_are_not_finite_replace_neither_the_best_nor_the_last_finite_ones(self, run, caplog, value):
        broken = dict.fromkeys(range(4, 8), value)
        assert keep_epochs(run, [2, 1, 1, 3, 4, 5, 6], weights=broken) == [1, 3, 6, 7]
        assert marks(run) == {"best": 1, "last": 7, "finite": 3}
        assert caplog.text.count("weight of the model is not finite any more") == 1

    def test_figures_that_are_not_finite_do_not_replace_the_last_finite_ones_but_may_be_of_the_best(self, run):
        assert keep_epochs(run, [2, 1, 3, 1, 1], figures=dict.fromkeys((3, 4, 5), NAN)) == [2, 3, 4, 5]
        assert marks(run) == {"best": 3, "last": 5, "finite": 2}


def test_sums_that_are_too_large_are_no_weights_that_are(run):
    assert keeping.find_broken({"a": torch.full((2,), 3e38), "b": torch.full((2,), 6e4).half()}) is None
    assert keeping.find_broken({"a": torch.ones(2), "b": torch.tensor([1 + 1j, complex(NAN, 0)])}) == "b"
    assert keeping.find_broken({"a": torch.ones(2).to_sparse(), "b": torch.tensor([1, 2]), "c": "text"}) is None


def test_a_mask_that_was_not_finite_from_the_start_is_meant_so():
    model = torch.nn.Linear(2, 2)
    model.register_buffer("mask", torch.full((2, 2), -torch.inf))
    usual = keeping.find_usual(model)
    assert keeping.find_broken(model.state_dict(), usual) is None
    model.bias.data[0] = NAN
    assert keeping.find_broken(model.state_dict(), usual) == "bias"


@pytest.mark.usefixtures("project")
def test_the_checkpoint_to_go_back_to_is_one_with_finite_weights(project, caplog):
    with pytest.raises(GuardStop) as caught:
        train(callbacks=["mine:spoil"])
    (path,) = [word.strip(",") for word in str(caught.value).split() if "step-" in word]
    words = "the training loss of epoch 4 is nan at batch 0, counted from 0; the last good checkpoint is "
    assert words in str(caught.value)
    state = load_checkpoint(the_run(project), BACKEND, Path(path).name).state
    assert state["epoch"] == 2
    assert "not finite any more" in caplog.text


@pytest.fixture
def in_the_way(run):
    """A file where the folder of the checkpoints belongs."""
    path = run.open_record().path / "checkpoints"
    path.write_text("")
    return path


def keep(run, then=lambda: None):
    with Keeper(run) as keeper:
        keeper.save({"epoch": 1}, is_best=True)
        then()


@pytest.mark.parametrize("apart", [0.0, 60.0])
def test_a_save_that_fails_is_said_and_at_the_end_an_error(run, in_the_way, monkeypatch, caplog, apart):
    monkeypatch.setattr(keeping, "APART", apart)
    with pytest.raises(StorageError, match="the checkpoint was not written"):
        keep(run)
    assert "the checkpoint was not written" in caplog.text


def test_a_save_that_fails_is_tried_again(run, in_the_way, monkeypatch, caplog):
    monkeypatch.setattr(keeping, "APART", 0.0)
    keep(run, then=in_the_way.unlink)
    assert "the checkpoint was not written" in caplog.text
    assert marked(run.record.path, "best")["epoch"] == 1


@pytest.mark.parametrize(("largest", "lost"), [(-1, True), (keeping.LARGEST, False)], ids=["large", "small"])
def test_a_best_one_that_failed_is_tried_again_or_an_error_at_the_end(run, monkeypatch, largest, lost):
    monkeypatch.setattr(keeping, "APART", 0.0)
    monkeypatch.setattr(keeping, "LARGEST", largest)
    monkeypatch.setattr(Keeper, "_wake", lambda self: None)  # no second try before the next epoch
    folder = run.open_record().path / "checkpoints"

    def save_four():
        with Keeper(run) as keeper:
            for epoch, is_best in enumerate([True, True, False, False], start=1):
                logger.log({"epoch": epoch})
                if epoch == 2:
                    folder.rename(folder.with_name("aside"))
                    folder.write_text("")
                keeper.save({"epoch": epoch}, is_best)
                if epoch == 2:
                    folder.unlink()
                    folder.with_name("aside").rename(folder)

    if lost:
        with pytest.raises(StorageError, match=r"the checkpoint was not written: .*step-00000002"):
            save_four()
    else:
        save_four()
    assert marked(run.record.path, "best")["epoch"] == (1 if lost else 2)
    assert epochs_in(run.record.path) == ([1, 3, 4] if lost else [2, 3, 4])


@pytest.mark.usefixtures("in_the_way")
def test_a_save_that_fails_does_not_hide_what_went_wrong_before(run, caplog):
    with pytest.raises(ZeroDivisionError):
        keep(run, then=lambda: 1 / 0)
    assert "the checkpoint was not written" in caplog.text


def test_what_cannot_be_saved_is_named_at_its_epoch(run):
    with Keeper(run) as keeper, pytest.raises(TypeError, match=r"state\['model'\] is a set"):
        keeper.save({"model": {1, 2}}, is_best=True)


def test_a_copy_keeps_kinds():
    state = {"own": torch.nn.Parameter(torch.ones(2)), "thin": torch.ones(2).to_sparse(), "pair": (1, [torch.ones(1)])}
    copied = copy_of(state)
    assert type(copied["own"]) is torch.nn.Parameter
    assert copied["thin"].is_sparse
    assert copied["pair"] == (1, [torch.ones(1)])
    assert copied["pair"][1][0] is not state["pair"][1][0]
