"""Runs of one user that are started together take different devices, and nothing is ever stale."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch

from tipi.plugin import device_manager
from tipi_core.devices.info import DeviceInfo
from tipi_core.devices.leases import find_leases, lease_folder, return_lease, take_lease
from tipi_core.errors import LockedError
from tipi_core.run import Run, activate

SCRIPT = "from tipi.helpers import device_manager; print(device_manager.get_device(), flush=True); input()"


@pytest.fixture
def start(fake_machine, tmp_path):
    """Start scripts that take a device, say which, and hold it until they are told to end."""
    started = []

    def run(*free, script=SCRIPT):
        environment = {**os.environ, **fake_machine(*free)}
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            [sys.executable, "-c", script],
            env=environment,
            cwd=tmp_path,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            text=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def test_two_runs_started_together_take_different_gpus_and_a_killed_one_frees_its_own(start):
    free = (1, 70, 75, 2)
    first, second = start(*free), start(*free)
    taken = {process.stdout.readline().strip(): process for process in (first, second)}
    assert set(taken) == {"cuda:1", "cuda:2"}
    taken["cuda:2"].kill()
    taken["cuda:2"].communicate()
    assert start(*free).stdout.readline().strip() == "cuda:2"


def test_where_all_are_held_the_roomiest_is_shared_and_it_is_said(start):
    first, second = start(70), start(70)
    assert {first.stdout.readline().strip(), second.stdout.readline().strip()} == {"cuda:0"}
    errors = [process.communicate("\n")[1] for process in (first, second)]
    assert sorted(len(text.splitlines()) for text in errors) == [0, 1]
    assert "tipi: another run of yours holds cuda:0; taking cuda:0" in "".join(errors)


def test_the_folder_is_this_users_alone(tmp_path):
    folder = lease_folder()
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o755)
    assert lease_folder() is None
    assert take_lease(DeviceInfo("cuda", 0)) is None
    assert find_leases([DeviceInfo("cuda", 0)]) == {}


def test_a_temporary_directory_that_hands_its_group_down_will_do(tmp_path, monkeypatch):
    shared = tmp_path / "scratch"
    shared.mkdir()
    shared.chmod(0o2770)  # as on clusters: what is made in it has the group's mark too
    monkeypatch.setattr("tempfile.tempdir", str(shared))
    assert lease_folder().stat().st_mode & 0o7777 == 0o2700
    place = take_lease(DeviceInfo("cuda", 0))
    assert find_leases([DeviceInfo("cuda", 0)]) == {"cuda:0": os.getpid()}
    return_lease(place)


def test_without_any_temporary_directory_there_are_no_leases(monkeypatch, run, gpus):
    def none():
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr("tempfile.gettempdir", none)
    gpus(70, 60)
    assert device_manager.get_device() == torch.device("cuda", 0)
    assert find_leases([DeviceInfo("cuda", 0)]) == {}


def test_on_a_full_disk_a_lease_holds_without_its_owners_number(monkeypatch):
    def full(*arguments, **keywords):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_text", full)
    device = DeviceInfo("cuda", 0)
    place = take_lease(device)
    assert find_leases([device]) == {"cuda:0": None}
    return_lease(place)
    assert find_leases([device]) == {}


def test_a_folder_that_another_user_made_is_not_trusted(monkeypatch):
    mine = lease_folder()
    monkeypatch.setattr(os, "getuid", lambda: 4242)
    mine.rename(mine.with_name("tipi-4242"))
    assert lease_folder() is None
    assert take_lease(DeviceInfo("cuda", 0)) is None


def test_what_a_dead_process_left_is_no_lease():
    device = DeviceInfo("cuda", 0, uuid="GPU-0")
    place = take_lease(device)
    return_lease(place)
    (place / "pid").write_text("1")  # as if a process that is alive had held it and died
    assert (place / "lock").exists()
    assert find_leases([device]) == {}
    assert take_lease(device) == place
    return_lease(place)


def test_a_script_gives_its_device_back_when_it_exits(start):
    first = start(70, 60)
    assert first.stdout.readline().strip() == "cuda:0"
    first.communicate("\n")
    assert first.returncode == 0
    assert start(70, 60).stdout.readline().strip() == "cuda:0"


def test_a_folder_that_is_a_link_is_not_used(tmp_path):
    folder = lease_folder()
    folder.rmdir()
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    folder.symlink_to(tmp_path / "elsewhere")
    assert lease_folder() is None


def test_a_lease_is_seen_and_comes_back():
    device = DeviceInfo("cuda", 3, uuid="GPU-3")
    place = take_lease(device)
    assert find_leases([device, DeviceInfo("cpu")]) == {"cuda:3": os.getpid()}
    with pytest.raises(LockedError):
        take_lease(device)
    return_lease(place)
    assert find_leases([device]) == {}


def test_the_cpu_is_never_leased():
    assert take_lease(DeviceInfo("cpu")) is None


def test_a_run_gives_its_device_back_when_it_ends(host, gpus, tmp_path):
    gpus(70, 60)

    def take():
        run = Run("one", root=tmp_path, host=host)
        with activate(run):
            device = device_manager.get_device()
        return run, device

    first, device = take()
    second, other = take()
    assert (device, other) == (torch.device("cuda", 0), torch.device("cuda", 1))
    first.close("completed")
    assert take()[1] == torch.device("cuda", 0)
    second.close("completed")


def test_a_run_may_ask_for_its_own_device_again(run, gpus):
    gpus(70, 60)
    device_manager.get_device()
    assert device_manager.get_devices(2) == [torch.device("cuda", 0), torch.device("cuda", 1)]
    assert device_manager.get_device(prefer="cuda:1") == torch.device("cuda", 1)
