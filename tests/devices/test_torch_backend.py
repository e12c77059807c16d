"""What the torch backend does with tensors."""

from __future__ import annotations

from collections import namedtuple

import pytest
import torch

from tipi.plugin import DeviceInfo
from tipi_plugins.devices.torch_backend import TorchBackend

META = torch.device("meta")


@pytest.fixture
def backend():
    return TorchBackend()


def test_fetch_gives_floats_in_order_whatever_their_kinds(backend):
    tensors = [
        torch.tensor(1.5),
        torch.tensor(2),
        torch.tensor([3.25]),
        torch.tensor(4.0, requires_grad=True),
        torch.tensor(True),
    ]
    assert backend.fetch(tensors) == [1.5, 2.0, 3.25, 4.0, 1.0]
    assert backend.fetch([]) == []


def test_containers_keep_their_kind_when_moved(backend):
    Pair = namedtuple("Pair", "image label")
    moved = backend.move(Pair(torch.zeros(1), [torch.zeros(1)]), META)
    assert isinstance(moved, Pair)
    assert moved.image.device == moved.label[0].device == META


def test_what_moves_itself_is_asked_to(backend):
    class Graph(dict):
        def to(self, device):
            return ("moved", device)

    assert backend.move(Graph(), META) == ("moved", META)
    assert backend.move(torch.nn.Linear(2, 2), META).weight.device == META


def test_what_holds_no_tensor_passes(backend):
    thing = object()
    assert backend.move(thing, META) is thing
    assert backend.move(None, META) is None


def test_the_generators_state_comes_back(backend):
    state = backend.rng_state()
    first = torch.rand(3)
    backend.set_rng_state(state)
    assert torch.equal(torch.rand(3), first)


def test_a_model_is_prepared_on_the_device(backend):
    assert backend.prepare(torch.nn.Linear(2, 2), META).weight.device == META


def test_kinds_that_this_torch_cannot_use_are_named(backend):
    assert backend.problem(DeviceInfo("cpu")) is None
    if torch.version.cuda is None and torch.version.hip is None:
        assert "built without CUDA" in backend.problem(DeviceInfo("cuda", 0))
