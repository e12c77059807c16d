"""``tipi run`` from outside: signals, what is printed where, and what the light commands say."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from tipi.records import list_records, read_record

LOOP = """
    import time
    from tipi import pipeline_process
    from tipi.helpers import progress_bar, logger

    def held():
        yield "held"
        open("released", "w").close()

    @pipeline_process
    def loop(held, bars: bool = True):
        for step in progress_bar(range(100_000), desc="Steps"):
            logger.log({"step": step})
            if step == 3:
                open("started", "w").close()
            time.sleep(0.01)

    @pipeline_process
    def stuck():
        open("started", "w").close()
        while True:
            time.sleep(0.01)
"""


@pytest.fixture
def project(tipi_project):
    tipi_project.write("loops.py", LOOP)
    tipi_project.write(
        "configs/loop.toml", '[permanences.held]\ntype = "loops:held"\n[processes.loop]\ntype = "loop"\n'
    )
    tipi_project.write("configs/stuck.toml", '[processes.stuck]\ntype = "stuck"\n')
    return tipi_project


@pytest.fixture
def start(project):
    """Start ``tipi run NAME`` and return the process once it is at work."""
    started = []

    def start(name):
        process = subprocess.Popen(
            [sys.executable, "-m", "tipi", "run", name],
            cwd=project.path,
            env=dict(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        deadline = time.monotonic() + 60
        while not (project.path / "started").exists():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_the_run_cleanly(project, start, signum, code):
    process = start("loop")
    process.send_signal(signum)
    _, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert err.rstrip().splitlines()[-1].startswith("tipi: error[interrupted]")
    assert "Traceback" not in err
    assert (project.path / "released").exists()
    (record,) = list_records(project.path / "runs")
    assert (record.state, record.info["exit_code"]) == ("interrupted", code)
    steps = [row["values"]["step"] for row in record.metrics()]
    assert steps == list(range(len(steps)))
    assert len(steps) >= 4


def test_a_second_ctrl_c_ends_code_that_has_no_safe_point(project, start):
    process = start("stuck")
    process.send_signal(signal.SIGINT)
    assert "once more stops at once" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    (record,) = list_records(project.path / "runs")
    assert record.state == "interrupted"


def test_kill_9_leaves_a_readable_record_that_says_crashed(project, start):
    process = start("loop")
    (path,) = (project.path / "runs" / "loop").glob("2*")
    deadline = time.monotonic() + 60
    while not list(read_record(path).metrics()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert read_record(path).state == "running"
    process.kill()
    process.communicate(timeout=60)
    record = read_record(path)
    assert record.state == "crashed"
    steps = [row["values"]["step"] for row in record.metrics()]
    assert steps == list(range(len(steps)))


def test_only_the_answer_is_on_stdout(project, cli):
    project.write("configs/short.toml", '[processes.a]\ntype = "quick"\n')
    project.write(
        "quick.py", "import tipi\n\n@tipi.pipeline_process\ndef quick():\n    return {'loss': 0.25, 'n': 3}\n"
    )
    answer = json.loads(cli("run", "short", "--json", cwd=project.path).out)
    assert answer["processes"]["a"]["result"] == {"loss": 0.25, "n": 3}
    done = cli("run", "short", cwd=project.path)
    heading, row, record, following = done.out.splitlines()
    assert heading.split() == ["process", "outcome", "loss", "n", "seconds"]
    assert row.split()[:4] == ["a", "done", "0.2500", "3"]
    assert record.startswith("record  runs/short/")
    assert following == "next    tipi inspect short"
    assert "\x1b" not in done.out + done.err


def test_list_names_pipelines_of_the_project_and_of_plugins(project, cli):
    project.write("configs/broken.toml", "[")
    rows = {row["name"]: row for row in json.loads(cli("list", "--json", cwd=project.path).out)}
    assert rows["loop"]["file"] == "configs/loop.toml"
    assert rows["loop"]["status"] == "ok"
    assert rows["broken"]["status"] == "unreadable"
    assert rows["quickstart"]["packaged"]
    assert "quickstart" in cli("list", cwd=project.path).out


def test_inspect_shows_type_owner_place_and_origin_of_each_value(project, cli):
    out = cli("inspect", "loop", "loop.bars=false", cwd=project.path).out
    assert "loop: loop  [project]" in out
    assert "loops.py:10" in out
    assert "bars = False  (override loop.bars=false)" in out
    assert "    held  (permanence held)" in out
    assert "held: loops:held  [import]" in out


def test_validate_all(project, cli):
    assert cli("validate", "--all", cwd=project.path).code == 0
    project.write("configs/bad.toml", "[processes.x]\ntype = 'lop'\n")
    done = cli("validate", "--all", cwd=project.path)
    assert done.code == 2
    assert "loop: ok" in done.out
    assert "did you mean 'loop'?" in done.last_line


def test_info_and_plugins_as_json(cli):
    facts = json.loads(cli("info", "--json").out)
    assert facts["packages"]["torch-tipi"]
    assert "builtin" in facts["plugins"]
    rows = {row["name"]: row for row in json.loads(cli("plugins", "--json").out)}
    assert "process TrainingProcess" in rows["builtin"]["provides"]
    assert rows["progress"]["status"] == "ok"


def test_help_names_every_command_and_each_has_examples(cli):
    text = cli("--help").out
    for name in ("run", "list", "inspect", "validate", "plugins", "info"):
        assert f"  {name} " in text
        assert f"tipi {name}" in cli(name, "--help").out or name == "plugins"
    assert cli("--version").out.startswith("tipi 0.")


def test_a_reader_that_goes_away_is_no_error(tmp_path):
    command = f"set -o pipefail; {sys.executable} -m tipi plugins --json | head -c 1"
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, cwd=tmp_path, timeout=60, check=False
    )
    assert "Traceback" not in done.stderr


def test_a_misspelt_name_in_tipi_block_is_said(cli):
    done = cli("plugins", TIPI_BLOCK="wnadb")
    assert done.code == 0
    assert "no plugin 'wnadb', did you mean 'wandb'?" in done.err


def test_collections_are_as_they_were_once_a_program_has_run_a_pipeline(tipi_project, tipi_run):
    import gc

    before = gc.isenabled(), gc.get_freeze_count(), gc.get_threshold()
    tipi_project.write(
        "parts.py",
        "import gc\nfrom tipi import pipeline_process\nseen = gc.isenabled()\n"
        "@pipeline_process\ndef go(): return (seen, gc.isenabled())\n",
    )
    tipi_project.write("configs/go.toml", '[processes.go]\ntype = "go"\n')
    assert tipi_run("go")["go"] == (False, True)
    assert (gc.isenabled(), gc.get_freeze_count(), gc.get_threshold()) == before
