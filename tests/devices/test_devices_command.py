"""``tipi devices`` on machines with and without GPUs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import click
import pytest

from tipi_core.cli import devices

BUSY = (1, 2, 70, 3, 79, 2, 1, 60)


def test_eight_gpus_of_which_five_are_busy(cli, fake_machine):
    done = cli("devices", **fake_machine(*BUSY))
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert lines[0].split() == ["device", "name", "free", "total", "use", "temp", "processes", "taken", "by"]
    assert lines[1].split() == ["cuda:0", "NVIDIA", "H100", "1.0", "GB", "80.0", "GB", "100", "%", "50", "C", "4242"]
    assert lines[3].split() == ["cuda:2", "NVIDIA", "H100", "70.0", "GB", "80.0", "GB", "0", "%", "50", "C"]
    assert len([line for line in lines if "4242" in line]) == 5
    assert lines[-1] == "a run would take cuda:4"


@pytest.mark.parametrize("columns", [40, 60, 100])
def test_no_line_is_wider_than_the_terminal(monkeypatch, capsys, columns):
    monkeypatch.setattr("tipi_core.cli.output.is_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", str(columns))
    gpu = {"name": "NVIDIA H100 80GB HBM3", "free": 7 * 10**9, "total": 80 * 10**9, "utilisation": 100}
    gpu |= {"temperature": 50, "processes": (4242, 4243), "note": None, "taken": True, "taken_by": 4242}
    devices._print_table({"devices": [{"device": f"cuda:{n}", **gpu} for n in range(2)], "choice": "cuda:0"})
    lines = click.unstyle(capsys.readouterr().out).splitlines()
    assert max(map(len, lines)) <= columns
    for words in ("100 %", "50 C", "4242 4243", "your process 4242"):
        assert sum(words in line for line in lines) == 2


def test_as_json(cli, fake_machine):
    done = cli("devices", "--json", **fake_machine(*BUSY))
    facts = json.loads(done.out)
    assert facts["choice"] == "cuda:4"
    assert "most memory free of 8" in facts["reason"]
    row = facts["devices"][2]
    assert (row["type"], row["index"], row["uuid"], row["free"], row["total"]) == (
        "cuda",
        2,
        "GPU-2",
        70 * 10**9,
        80 * 10**9,
    )
    assert (row["utilisation"], row["temperature"], row["processes"], row["taken"]) == (0, 50, [], False)


def test_a_device_that_a_run_holds_is_shown_with_its_process(cli, fake_machine, tmp_path):
    environment = fake_machine(70, 60)
    script = "from tipi.helpers import device_manager; print(device_manager.get_device(), flush=True); input()"
    pipe = subprocess.PIPE
    holder = subprocess.Popen(
        [sys.executable, "-c", script],
        env={**os.environ, **environment},
        cwd=tmp_path,
        stdin=pipe,
        stdout=pipe,
        text=True,
    )
    try:
        assert holder.stdout.readline().strip() == "cuda:0"
        out = cli("devices", **environment).out
    finally:
        holder.communicate("\n")
    assert f"your process {holder.pid}" in out.splitlines()[1]
    assert out.splitlines()[-1] == "a run would take cuda:1"


def test_a_machine_without_a_gpu_shows_its_cpu(cli):
    done = cli("devices", CUDA_VISIBLE_DEVICES="")
    assert done.code == 0
    assert done.out.splitlines()[1].startswith("cpu ")
    assert done.out.splitlines()[-1] == "a run would take cpu"


def test_a_wish_that_cannot_be_met_is_said(cli):
    done = cli("devices", TIPI_DEVICE="cuda:77")
    assert (done.code, "a run would stop: TIPI_DEVICE asks for 'cuda:77'" in done.out) == (0, True)


def test_it_writes_nothing(cli, tmp_path):
    cli("devices")
    assert not (tmp_path / "runs").exists()


def test_watching_goes_on_until_it_is_interrupted(fake_machine, tmp_path):
    command = [sys.executable, "-m", "tipi", "devices", "--watch", "0.1"]
    environment = {**os.environ, **fake_machine(*BUSY)}
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=pipe, stderr=pipe, text=True)
    try:
        headings = 0
        while headings < 3:
            line = process.stdout.readline()
            assert line, process.stderr.read()
            headings += line == "a run would take cuda:4\n"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 130
    assert "Traceback" not in errors
