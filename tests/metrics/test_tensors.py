"""Tensors and arrays as metrics: read at once, or cloned; never a graph kept alive, never a value changed later."""

import gc
import weakref

import pytest

from tipi_core.metrics.values import Deferred, capture, fetch_deferred

torch = pytest.importorskip("torch")
numpy = pytest.importorskip("numpy")


def refuse(key, reason):
    raise AssertionError(f"{key}: {reason}")


def fetched(values, refuse=refuse):
    fetch_deferred([values], None, refuse)
    return values


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64", "int64", "uint8", "bool"])
def test_a_tensor_of_one_number_is_that_number(dtype):
    value = torch.ones((), dtype=getattr(torch, dtype))
    assert capture({"x": value, "y": value.reshape(1)}, refuse) == {"x": 1, "y": 1}


@pytest.mark.parametrize("kind", ["float16", "float32", "float64", "int32", "uint8", "bool_"])
def test_a_numpy_scalar_is_its_number(kind):
    captured = capture({"x": getattr(numpy, kind)(1), "y": numpy.array(1, kind)}, refuse)
    assert captured == {"x": 1, "y": 1}
    assert all(type(value) in (float, int, bool) for value in captured.values())


def test_a_loss_with_a_graph_is_read_without_a_warning_and_is_not_kept_alive():
    weights = torch.ones(3, requires_grad=True)
    loss = (weights * 2).sum()
    kept = weakref.ref(loss)
    captured = capture({"loss": loss}, refuse)
    del loss
    gc.collect()
    assert captured == {"loss": 6.0}
    assert kept() is None


def test_a_tensor_changed_in_place_afterwards_does_not_change_what_was_logged():
    total = torch.zeros(())
    first = capture({"total": total}, refuse)
    total += 1
    assert first == {"total": 0.0}


def test_a_deferred_tensor_is_a_clone_without_graph_fetched_later():
    loss = torch.ones((), requires_grad=True) * 3
    deferred = Deferred(loss)
    with torch.no_grad():
        loss += 1
    assert not deferred.tensor.requires_grad
    assert fetched({"loss": deferred}) == {"loss": 3.0}


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (torch.zeros(2, 3), "6 elements"),
        (torch.zeros(0), "0 elements"),
        (numpy.zeros(4), "4 elements"),
        (torch.zeros((), dtype=torch.complex64), "complex"),
        (torch.zeros((), device="meta"), "meta"),
    ],
)
def test_a_tensor_that_is_no_number_is_refused_with_the_reason(value, reason):
    refused = {}
    assert capture({"bad": value, "loss": 1.0}, refused.__setitem__) == {"loss": 1.0}
    assert reason in refused["bad"]


def test_what_cannot_be_fetched_is_refused_and_the_rest_stays():
    refused = {}
    deferred = Deferred(torch.zeros((), device="meta"))
    assert fetched({"gone": deferred, "loss": 1.0}, refused.__setitem__) == {"loss": 1.0}
    assert list(refused) == ["gone"]


@pytest.mark.gpu
def test_a_loss_on_a_gpu_waits_for_the_writer_and_keeps_its_value():
    loss = torch.full((), 2.0, device="cuda", requires_grad=True)
    captured = capture({"loss": loss}, refuse)
    with torch.no_grad():
        loss += 1
    assert isinstance(captured["loss"], Deferred)
    assert fetched(captured) == {"loss": 2.0}


class OnDevice:
    """A scalar that behaves as one on an accelerator."""

    def __init__(self, value, dtype="float32"):
        self.value, self.dtype = value, f"torch.{dtype}"
        self.device = torch.device("cuda", 0)
        self.is_cuda = False  # no stream to record on here

    def numel(self):
        return 1

    def item(self):
        raise AssertionError("asked one by one")

    def detach(self):
        return self

    def clone(self):
        return OnDevice(self.value, self.dtype.removeprefix("torch."))

    def is_floating_point(self):
        return "float" in self.dtype


class OneTransfer:
    def __init__(self):
        self.batches = []

    def fetch(self, tensors):
        self.batches.append(len(tensors))
        return [float(tensor.value) for tensor in tensors]


def test_values_on_an_accelerator_are_fetched_in_one_batch_of_many_rows(tmp_path):
    from tipi.plugin import hookimpl
    from tipi_core.metrics.stream import MetricStream
    from tipi_core.plugins import PluginHost
    from tipi_core.run import Run

    backend = OneTransfer()

    class Devices:
        @hookimpl
        def tipi_create_device_backend(self):
            return backend

    host = PluginHost()
    host.register("devices", Devices())
    run = Run("train", root=tmp_path, host=host)
    stream = run.service(MetricStream)
    with stream._guard:  # the writer waits: all rows are of one batch
        loss = OnDevice(0.5)
        for number in range(10):
            stream.add({"loss": loss, "step": OnDevice(number, "int64"), "good": OnDevice(1, "bool")})
        loss.value = 99.0
    stream.flush()
    run.close("completed")
    import json

    rows = [json.loads(line)["values"] for line in (run.record.path / "metrics.jsonl").read_text().splitlines()]
    assert rows == [{"loss": 0.5, "step": number, "good": True} for number in range(10)]
    assert sum(backend.batches) == 30
    assert len(backend.batches) == 1
