"""What the torch backend does with tensors."""

from __future__ import annotations

import dataclasses
from collections import OrderedDict, defaultdict, namedtuple
from types import MappingProxyType

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


@dataclasses.dataclass(frozen=True)
class Sample:
    image: torch.Tensor
    names: tuple[str, ...]
    more: dict
    size: int = dataclasses.field(init=False, default=3)


def test_a_dataclass_is_copied_with_its_tensors_moved(backend):
    sample = Sample(torch.zeros(1), ("a",), {"masks": [torch.zeros(2)]})
    object.__setattr__(sample, "size", 7)
    moved = backend.move(sample, META)
    assert (type(moved), moved.names, moved.size) == (Sample, ("a",), 7)
    assert moved.image.device == moved.more["masks"][0].device == META
    assert sample.image.device.type == "cpu"
    assert backend.move(Sample, META) is Sample


def test_mappings_keep_their_kind_and_order(backend):
    moved = backend.move(OrderedDict(b=torch.zeros(1), a=1), META)
    assert (type(moved), list(moved)) == (OrderedDict, ["b", "a"])


class Boxes(list):
    """A list that is not made from its items."""

    def __init__(self, size, items):
        super().__init__(items)
        self.size = size


class Located(namedtuple("Located", "image place")):
    def __new__(cls, image):
        return super().__new__(cls, image, "here")


class Both(tuple):
    __slots__ = ()

    def __new__(cls, first, second):
        return super().__new__(cls, (first, second))


def test_containers_with_constructors_of_their_own_keep_kind_and_content(backend):
    zero = torch.zeros(1)
    boxes = backend.move(Boxes(3, [zero]), META)
    assert (type(boxes), boxes.size, len(boxes), boxes[0].device) == (Boxes, 3, 1, META)
    located = backend.move(Located(zero), META)
    assert (type(located), located.place, located.image.device) == (Located, "here", META)
    both = backend.move(Both(zero, "b"), META)
    assert (type(both), both[0].device, both[1]) == (Both, META, "b")
    by_name = defaultdict(list, a=[zero])
    moved = backend.move(by_name, META)
    assert (moved["a"][0].device, moved["new"]) == (META, [])
    assert (by_name["a"][0].device.type, set(by_name)) == ("cpu", {"a"})
    assert backend.move(MappingProxyType({"a": zero}), META)["a"].device == META
    largest = backend.move(torch.ones(2, 2).max(dim=0), META)
    assert (type(largest).__name__, largest.values.device) == ("max", META)


def test_free_memory_is_asked_of_the_library_only_for_gpus(backend, monkeypatch):
    assert backend.memory(torch.device("cpu")) is None
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (3, 8) if device.index == 1 else None)
    assert backend.memory(torch.device("cuda", 1)) == (3, 8)

    def fail(device):
        raise RuntimeError("the driver does not tell")

    monkeypatch.setattr(torch.xpu, "mem_get_info", fail)
    assert backend.memory(torch.device("xpu", 0)) is None


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
