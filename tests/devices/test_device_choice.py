"""Which device is taken, for any list of devices."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tipi_core.devices.choice import BUSY_SHARE, choose, matches
from tipi_core.devices.info import DeviceInfo
from tipi_core.errors import UsageError

SIZES = st.none() | st.integers(0, 200)


@st.composite
def machines(draw):
    """Return a list of devices in any order: some accelerators of some kinds, and perhaps the CPU."""
    devices = []
    for kind in draw(st.sets(st.sampled_from(["cuda", "xpu"]))):
        for index in range(draw(st.integers(0, 8))):
            note = draw(st.sampled_from([None, None, None, "broken"]))
            devices.append(DeviceInfo(kind, index, free=draw(SIZES), total=draw(SIZES), note=note))
    if draw(st.booleans()):
        devices.append(DeviceInfo("mps", free=draw(SIZES)))
    if draw(st.booleans()):
        devices.append(DeviceInfo("cpu", free=draw(SIZES)))
    return draw(st.permutations(devices))


def choose_or_none(devices, **asked):
    try:
        return choose(devices, **asked)
    except UsageError:
        return None


@given(machines())
def test_something_usable_is_always_found_where_there_is_any(devices):
    choice = choose_or_none(devices)
    assert (choice is None) == (not any(device.usable for device in devices))
    assert choice is None or (choice.device in devices and choice.device.usable)


@given(machines())
def test_no_device_of_the_kind_that_is_as_idle_has_more_memory_free(devices):
    """A device that is nearly full comes last, however large it is; among the others the freest is taken."""

    def full(device):
        return None not in (device.free, device.total) and device.free < BUSY_SHARE * device.total

    choice = choose_or_none(devices)
    assume(choice)
    for other in devices:
        if other.usable and other.type == choice.device.type and other.free is not None:
            assert not full(choice.device) or full(other)
            assert full(choice.device) != full(other) or choice.device.free >= other.free


@given(machines())
def test_the_cpu_is_taken_only_where_there_is_nothing_else(devices):
    choice = choose_or_none(devices)
    others = any(device.usable and device.type != "cpu" for device in devices)
    assert choice is None or (choice.device.type == "cpu") == (not others)


@given(machines(), st.randoms(use_true_random=False))
def test_the_order_of_the_list_does_not_matter(devices, random):
    shuffled = list(devices)
    random.shuffle(shuffled)
    first, second = choose_or_none(devices), choose_or_none(shuffled)
    assert (first and first.device) == (second and second.device)


@given(machines(), st.integers(1, 200))
def test_min_free_is_kept_or_it_is_an_error(devices, min_free):
    choice = choose_or_none(devices, min_free=min_free)
    assume(choice)
    assert choice.device.free is None or choice.device.free >= min_free


@given(machines(), st.sampled_from(["cpu", "cuda", "cuda:1", "mps", "xpu:7"]))
def test_a_preference_is_met_where_it_can_be_and_otherwise_said(devices, prefer):
    choice = choose_or_none(devices, prefer=prefer)
    assume(choice)
    possible = any(device.usable and matches(device, prefer) for device in devices)
    assert matches(choice.device, prefer) == possible
    assert possible or f"there is no device '{prefer}' here" in choice.warning


@given(machines(), st.sampled_from(["cpu", "cuda", "cuda:1", "mps"]))
def test_what_the_environment_wants_is_taken_or_is_an_error(devices, wanted):
    choice = choose_or_none(devices, wanted=wanted, prefer="xpu")
    possible = any(device.usable and matches(device, wanted) for device in devices)
    assert (choice is not None) == possible
    assert choice is None or matches(choice.device, wanted)


@given(machines(), st.sets(st.integers(0, 7)))
def test_what_another_run_holds_is_taken_only_where_the_rest_is_busy(devices, held):
    choice = choose_or_none(devices, leased={f"cuda:{index}" for index in held} | {f"xpu:{index}" for index in held})
    assume(choice)
    if choice.device.index in held and choice.device.type != "mps":
        assert f"another run of yours holds {choice.device.label}" in choice.warning
        for other in devices:
            if other.usable and other.type == choice.device.type and other.index not in held:
                assert other.free < 0.1 * other.total


@given(machines(), st.integers(1, 4))
def test_several_are_different_devices_of_one_kind_or_it_is_an_error(devices, count):
    choice = choose_or_none(devices, count=count)
    assume(choice)
    taken = [choice.device, *choice.others]
    assert len({device.label for device in taken}) == count
    assert len({device.type for device in taken}) == 1


@given(st.integers(1, 8))
def test_every_process_under_torchrun_gets_its_own(count):
    devices = [DeviceInfo("cuda", index, free=count - index) for index in range(count)]
    taken = [choose([*devices, DeviceInfo("cpu")], local_rank=rank).device.index for rank in range(count)]
    assert taken == list(range(count))


def test_more_processes_than_devices_share_them_and_it_is_said():
    choice = choose([DeviceInfo("cuda", 0), DeviceInfo("cuda", 1), DeviceInfo("cpu")], local_rank=3)
    assert choice.device.label == "cuda:1"
    assert "fewer devices (2) than processes" in choice.warning


def test_a_busy_machine_is_said_with_its_devices():
    devices = [DeviceInfo("cuda", index, total=80_000_000_000, free=index * 1_000_000_000) for index in range(3)]
    choice = choose([*devices, DeviceInfo("cpu")])
    assert choice.device.label == "cuda:2"
    assert choice.warning.startswith("every device is busy: cuda:0 (0 B of 80.0 GB free), ")


def test_the_reason_says_what_was_compared():
    devices = [DeviceInfo("cuda", 0, free=10), DeviceInfo("cuda", 1, free=90)]
    assert "most memory free of 2: cuda:0 (10 B free), cuda:1 (90 B free)" in choose(devices).reason


def test_the_reason_for_the_cpu_names_what_cannot_be_used():
    choice = choose([DeviceInfo("cuda", 0, "H100", note="torch is built without CUDA"), DeviceInfo("cpu")])
    assert choice.reason == "nothing else can be used: cuda:0 (H100, torch is built without CUDA)"


def test_an_error_lists_what_is_there():
    devices = [DeviceInfo("cuda", 0, free=10), DeviceInfo("cpu", free=5)]
    with pytest.raises(UsageError, match=r"no device has 50 B free.*cuda:0 \(10 B free\)"):
        choose(devices, min_free=50)
    with pytest.raises(UsageError, match=r"TIPI_DEVICE asks for 'cuda:5', which is not here.*cuda:0"):
        choose(devices, wanted="cuda:5")
    with pytest.raises(UsageError, match="there is no device to use"):
        choose([])
    with pytest.raises(UsageError, match=r"not 2 devices with 5 B free.*cuda:0"):
        choose(devices, min_free=5, count=2)
    with pytest.raises(UsageError, match="under torchrun each process takes one device"):
        choose(devices, local_rank=0, count=2)


def test_where_a_broken_gpu_leaves_only_the_cpu_it_is_said():
    broken = DeviceInfo("cuda", note="the NVIDIA driver does not work")
    assert choose([broken, DeviceInfo("cpu")]).warning.startswith("nothing faster can be used: cuda (the NVIDIA")
    assert choose([broken, DeviceInfo("cpu")], prefer="cpu").warning is None
    assert choose([DeviceInfo("cpu")]).warning is None
