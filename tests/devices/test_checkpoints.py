"""Checkpoints are whole or not there, and a damaged one is named and passed over."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tipi.errors import StorageError
from tipi.plugin import load_checkpoint, save_checkpoint
from tipi_core.checkpoints import HashingFile, list_checkpoints, plain_state, read_checkpoint
from tipi_plugins.devices.torch_backend import TorchBackend

BACKEND = TorchBackend()


def save(record, step):
    return save_checkpoint(record, step, {"step": step, "weights": torch.full((3,), float(step))}, BACKEND)


def test_a_state_comes_back_as_it_was(tmp_path):
    model = torch.nn.Linear(2, 2)
    state = {"model": model.state_dict(), "epoch": 3, "names": ["a", "b"], "rate": 0.1, "none": None}
    path = save_checkpoint(tmp_path, 120, state, BACKEND)
    assert path == tmp_path / "checkpoints" / "step-00000120"
    assert sorted(os.listdir(path)) == ["manifest.json", "state.pt"]
    loaded = load_checkpoint(tmp_path, BACKEND)
    assert (loaded.step, loaded.path, loaded.state["names"], loaded.state["rate"]) == (120, path, ["a", "b"], 0.1)
    assert torch.equal(loaded.state["model"]["weight"], model.weight)


def test_the_newest_is_loaded(tmp_path):
    for step in (5, 100, 20):
        save(tmp_path, step)
    assert load_checkpoint(tmp_path, BACKEND).step == 100


def test_none_where_there_is_none(tmp_path):
    assert load_checkpoint(tmp_path, BACKEND) is None


def test_the_same_step_is_replaced(tmp_path):
    save_checkpoint(tmp_path, 1, {"turn": 1}, BACKEND)
    save_checkpoint(tmp_path, 1, {"turn": 2}, BACKEND)
    assert load_checkpoint(tmp_path, BACKEND).state == {"turn": 2}
    assert os.listdir(tmp_path / "checkpoints") == ["step-00000001"]


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_a_flipped_byte_anywhere_is_noticed_and_the_one_before_it_is_taken(data, tmp_path_factory):
    record = tmp_path_factory.mktemp("record")
    save(record, 1)
    damaged = save(record, 2)
    content = bytearray((damaged / "state.pt").read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    (damaged / "state.pt").write_bytes(content)
    assert load_checkpoint(record, BACKEND).step == 1


@pytest.mark.parametrize("missing", ["state.pt", "manifest.json"])
def test_a_damaged_one_is_named(tmp_path, caplog, missing):
    save(tmp_path, 1)
    (save(tmp_path, 2) / missing).unlink()
    with caplog.at_level(logging.WARNING, "tipi"):
        assert load_checkpoint(tmp_path, BACKEND).step == 1
    assert "step-00000002" in caplog.text
    assert "taking the one before it" in caplog.text


def test_a_file_that_would_execute_code_is_refused(tmp_path):
    import hashlib
    import pickle

    path = save(tmp_path, 1)
    evil = pickle.dumps(Trap())
    (path / "state.pt").write_bytes(evil)
    (path / "manifest.json").write_text(json.dumps({"step": 1, "sha256": hashlib.sha256(evil).hexdigest()}))
    with pytest.raises(StorageError, match="the checkpoint is damaged"):
        read_checkpoint(path, BACKEND)
    assert not (tmp_path / "sprung").exists()


class Trap:
    def __reduce__(self):
        return os.system, ("touch sprung",)


def test_a_failed_save_leaves_nothing_behind_and_keeps_the_old_one(tmp_path):
    save(tmp_path, 1)

    class Full(TorchBackend):
        def save(self, state, file):
            file.write(b"some")
            raise RuntimeError("no space left on device")

    with pytest.raises(StorageError, match="was not written: no space left"):
        save_checkpoint(tmp_path, 2, {}, Full())
    assert os.listdir(tmp_path / "checkpoints") == ["step-00000001"]
    assert [path.name for path in list_checkpoints(tmp_path)] == ["step-00000001"]


def test_a_full_disk_is_named_as_such_whatever_the_library_makes_of_it(tmp_path, monkeypatch):
    class Disk:
        def __init__(self, file):
            self.file = file

        def write(self, data):
            raise OSError(28, "No space left on device")

        def __getattr__(self, name):
            return getattr(self.file, name)

    plain = HashingFile.__init__
    monkeypatch.setattr(HashingFile, "__init__", lambda self, file: plain(self, Disk(file)))
    with pytest.raises(StorageError, match=r"was not written: no space left on device, \d+\.\d MB are free"):
        save_checkpoint(tmp_path, 1, {"weights": torch.zeros(300_000)}, BACKEND)


def test_foreign_types_become_plain():
    import numpy
    from tomlkit import parse

    values = parse('name = "a"\ncount = 3\nrate = 0.5\nitems = [1, 2]').value
    state = plain_state({"config": values, "path": Path("x/y"), "numpy": numpy.float64(1.5), "flag": True})
    assert state == {
        "config": {"name": "a", "count": 3, "rate": 0.5, "items": [1, 2]},
        "path": "x/y",
        "numpy": 1.5,
        "flag": True,
    }
    assert {type(value) for value in state["config"].values()} == {str, int, float, list}
    assert type(state["numpy"]) is float


class Labelled(torch.Tensor):
    """A tensor whose class only adds a name, as those of torchvision's ``tv_tensors`` do."""


class Doubled(torch.Tensor):
    """A tensor that keeps its values in another one, as quantized and distributed ones do."""

    @staticmethod
    def __new__(cls, inner):
        return torch.Tensor._make_wrapper_subclass(cls, inner.shape, dtype=inner.dtype)

    def __init__(self, inner):
        self.inner = inner

    def __tensor_flatten__(self):
        return ["inner"], None

    @classmethod
    def __torch_dispatch__(cls, function, types, args=(), kwargs=None):
        raise NotImplementedError


def test_a_tensor_of_a_subclass_comes_back_with_its_values_and_as_a_plain_one(tmp_path):
    labelled = torch.arange(3.0).as_subclass(Labelled)
    save_checkpoint(tmp_path, 1, {"model": {"weight": labelled, "own": torch.nn.Parameter(torch.ones(2))}}, BACKEND)
    state = load_checkpoint(tmp_path, BACKEND).state["model"]
    assert type(state["weight"]) is torch.Tensor
    assert state["weight"].tolist() == [0, 1, 2]
    assert type(state["own"]) is torch.nn.Parameter
    model = torch.nn.Linear(3, 1, bias=False)
    model.weight = torch.nn.Parameter(torch.zeros(1, 3).as_subclass(Labelled))
    model.load_state_dict({"weight": state["weight"].reshape(1, 3)})
    assert isinstance(model.weight, Labelled)  # the model keeps its own type when the values come back
    assert model.weight.tolist() == [[0, 1, 2]]


def test_a_tensor_that_cannot_be_made_plain_is_named_when_it_is_saved_not_when_it_is_missed(tmp_path):
    words = r"state\['model'\]\['weight'\] is a Doubled, which holds its values in other tensors; .* dequantize\(\)"
    with pytest.raises(TypeError, match=words):
        save_checkpoint(tmp_path, 1, {"model": {"weight": Doubled(torch.ones(2))}}, BACKEND)
    assert not (tmp_path / "checkpoints").exists()


def test_what_is_not_plain_is_named_by_its_place():
    with pytest.raises(TypeError, match=r"state\['model'\]\[1\] is a object"):
        plain_state({"model": [1, object()]})
    with pytest.raises(TypeError, match=r"state has the key \(1, 2\)"):
        plain_state({(1, 2): 3})
