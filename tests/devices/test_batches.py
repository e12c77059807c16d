"""Batches that are copied ahead of the loop come whole, in order, and errors come in their turn."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tipi_plugins.devices.batches import Prefetch, ahead, change_parts


@given(st.lists(st.integers()))
def test_the_same_items_in_the_same_order(items):
    assert list(ahead(items, lambda item: [item], lambda started: started[0])) == items


def test_the_next_one_is_started_before_the_last_is_handed_out():
    seen = []

    def start(item):
        seen.append(f"start {item}")
        return item

    seen.extend(f"use {item}" for item in ahead("abc", start, str))
    assert seen == ["start a", "start b", "use a", "start c", "use b", "use c"]


def test_an_error_of_the_source_comes_after_what_came_before_it():
    def source():
        yield 1
        yield 2
        raise OSError("disk gone")

    seen = []
    with pytest.raises(OSError, match="disk gone"):
        seen.extend(ahead(source(), int, int))
    items = ahead(source(), int, int)
    assert (next(items), next(items)) == (1, 2)
    with pytest.raises(OSError, match="disk gone"):
        next(items)


def test_only_tensors_change():
    assert change_parts([(1, "a"), None], lambda tensor: tensor + 1) == [(1, "a"), None]


@pytest.mark.gpu
def test_batches_reach_a_gpu_unchanged_and_in_order():
    batches = [{"x": torch.randn(1000, 1000), "n": index} for index in range(20)]
    for batch, original in zip(Prefetch(batches, torch.device("cuda", 0)), batches, strict=True):
        assert batch["n"] == original["n"]
        assert batch["x"].device.type == "cuda"
        assert torch.equal((batch["x"] * 2).cpu(), original["x"] * 2)
