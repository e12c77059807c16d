"""Amounts of memory, and devices in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tipi_core.devices.info import DeviceInfo, format_bytes, parse_bytes


@pytest.mark.parametrize(
    ("text", "count"),
    [("8 GB", 8 * 10**9), ("8gb", 8 * 10**9), ("8G", 8 * 10**9), ("2 GiB", 2**31), ("512", 512), ("1.5 kB", 1500)],
)
def test_amounts_are_read_as_people_write_them(text, count):
    assert parse_bytes(text) == count


@pytest.mark.parametrize("wrong", ["", "much", "8 QB", "-1 GB", -5, "nan", float("inf")])
def test_other_texts_are_refused_by_name(wrong):
    with pytest.raises(ValueError, match="is no amount of memory"):
        parse_bytes(wrong)


@given(st.integers(0, 10**18))
def test_what_is_printed_reads_back_to_the_same_within_rounding(count):
    assert parse_bytes(format_bytes(count)) == pytest.approx(count, rel=0.06)


def test_a_device_in_words():
    assert DeviceInfo("cpu").describe() == "cpu"
    info = DeviceInfo("cuda", 1, "H100", total=80 * 10**9, free=10**9, note="it is lost")
    assert info.describe() == "cuda:1 (H100, 1.0 GB of 80.0 GB free, it is lost)"
    assert not info.usable
