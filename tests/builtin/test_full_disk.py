"""Checkpoints on a disk that is really full: training goes on, what was saved stays whole, and the end says so."""

from __future__ import annotations

import subprocess

import pytest

from tests.builtin.pipelines import TRAINING
from tipi import PipelineRunner
from tipi.errors import StorageError
from tipi.plugin import load_checkpoint
from tipi_plugins.builtin import keeping
from tipi_plugins.devices.torch_backend import TorchBackend

BACKEND = TorchBackend()
MEGABYTE = 2**20

OWN = """
import io
import os
from pathlib import Path

import torch

FILLER = Path(os.environ["TIPI_RUNS"]) / "filler"


def fill(room):
    with FILLER.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            file.truncate(max(0, file.tell() - room))


def after_two(process, epoch, figures):
    if epoch == 2:
        fill(0)


def until_four(process, epoch, figures):
    after_two(process, epoch, figures)
    if epoch == 4:
        FILLER.unlink()


def leaves_room_for_one(process, epoch, figures):
    if epoch == 1:
        buffer = io.BytesIO()
        torch.save(process.state(process.network.model, epoch, figures), buffer)
        fill(int(1.7 * len(buffer.getvalue())))
"""


@pytest.fixture
def disk(tmp_path, monkeypatch):
    """A disk of one megabyte for the records, and a project that trains beside it."""
    path = tmp_path / "disk"
    path.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTE}", "tmpfs", str(path)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("only root can mount a disk")
    monkeypatch.setenv("TIPI_RUNS", str(path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "small.toml").write_text(TRAINING)
    (tmp_path / "mine.py").write_text(OWN)
    yield path
    subprocess.run(["umount", "--lazy", str(path)], check=True)


def train(callback):
    by_epoch = {"monitor": "learning_rate", "schedule_per": "epoch", "warmup": 0.0}  # the last epoch is the best
    params = {"callbacks": [f"mine:{callback}"], "epochs": 6, **by_epoch}
    return PipelineRunner("small", overrides={f"training.{name}": value for name, value in params.items()}).run()


def checkpoints(disk):
    (folder,) = (disk / "small").glob("2*/checkpoints")
    return folder


def epochs_in(folder):
    """The epochs of all checkpoints, each of which is whole; nothing else is left in the folder but marks."""
    names = sorted(path.name for path in folder.iterdir() if path.is_dir())
    assert all(name.startswith("step-") for name in names), names
    return [load_checkpoint(folder.parent, BACKEND, name).state["epoch"] for name in names]


@pytest.mark.parametrize("largest", [0, keeping.LARGEST], ids=["large", "small"])
def test_a_disk_that_is_full_to_the_end_costs_what_came_after_and_is_an_error(disk, monkeypatch, caplog, largest):
    monkeypatch.setattr(keeping, "APART", 0.0)
    monkeypatch.setattr(keeping, "LARGEST", largest)
    with pytest.raises(StorageError) as caught:
        train("after_two")
    words = f"the checkpoint was not written: no space left on device, 0.0 MB are free, {checkpoints(disk)}/step-"
    assert words in str(caught.value)
    assert "make room, or put records elsewhere with TIPI_RUNS=FOLDER" in str(caught.value)
    assert caught.value.exit_code == 4
    assert caplog.text.count("; those before it are kept") >= 4, "each epoch from the third on was tried"
    assert epochs_in(checkpoints(disk)) == [1, 2]
    assert {word: (checkpoints(disk) / word).is_file() for word in ("best", "last")} == {"best": True, "last": True}


def test_a_disk_that_has_room_again_has_the_last_epochs(disk, monkeypatch, caplog):
    monkeypatch.setattr(keeping, "APART", 0.0)
    assert train("until_four")["training"]["epochs"] == 6
    assert "no space left on device" in caplog.text
    assert epochs_in(checkpoints(disk))[-2:] == [5, 6]


def test_the_last_room_goes_to_the_newest(disk, monkeypatch, caplog):
    monkeypatch.setattr(keeping, "APART", 60.0)
    result = train("leaves_room_for_one")
    assert result["training"]["best_epoch"] == 6
    assert epochs_in(checkpoints(disk)) == [6]
    assert caplog.text.count("the checkpoint was not written") == 1, "the one before it"
