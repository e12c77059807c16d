"""W&B as a user meets it: the real client behind a real training script, with and without account, network, package."""

import json
import math
import os
import signal
import socket
import subprocess
import sys

import pytest

from tests.plugins.conftest import wait_for
from tests.plugins.wandb_files import read_run
from tests.plugins.wandb_server import KEY
from tipi.records import read_record
from tipi_plugins.wandb.account import find_server, has_key
from tipi_plugins.wandb.ladder import choose_rung, is_installed

needs_wandb = pytest.mark.skipif(not is_installed(), reason="needs wandb")

SYNC = "from tipi_plugins.wandb.syncing import command; command(prog_name='tipi runs sync')"
FLUSH_AND_WAIT = """
logger.summary
print("ready", flush=True)
import time
time.sleep(60)
"""


def offline_run(record):
    (folder,) = (folder for folder in (record / "wandb").glob("offline-run-*") if not folder.is_symlink())
    return read_run(folder)


def status(record):
    file = record / "wandb" / "status.json"
    return json.loads(file.read_text()) if file.exists() else {}


def without_clock(row):
    return {key: value for key, value in row.items() if not key.startswith("_")}


def same(one, other):
    return one == other or (isinstance(one, float) and math.isnan(one) and other == "NaN")


def assert_same_rows(history, record):
    rows = list(read_record(record).metrics())
    assert len(history) == len(rows)
    assert [row["_step"] for row in history] == list(range(len(rows)))
    for ours, theirs in zip(rows, map(without_clock, history), strict=True):
        assert theirs.keys() == ours["values"].keys()
        assert all(same(theirs[key], ours["values"][key]) for key in theirs)


# Offline: real files of the real client


@needs_wandb
def test_an_offline_run_holds_every_row_of_the_record(python, script, record):
    done = python(script(), WANDB_MODE="offline")
    assert done.code == 0, done.err
    assert done.out == "False\n", "the training imported wandb"
    assert done.err.count("W&B offline") == 1
    config, history, exit_code = offline_run(record())
    assert len(history) == 60
    assert_same_rows(history, record())
    assert config["lr"] == 0.1
    assert "hush" not in (record() / "wandb" / "settings.json").read_text()
    assert exit_code == 0
    assert status(record())["state"] == "done"


NO_THREADS = """
import atexit
import threading


def refuse(thread):
    raise RuntimeError("can't create new thread at interpreter shutdown")


atexit.register(lambda: setattr(threading.Thread, "start", refuse))  # as Python 3.12 does from then on
"""


@needs_wandb
def test_a_training_that_is_over_before_the_plugins_are_loaded_has_every_row(python, script, record):
    done = python(script(NO_THREADS), WANDB_MODE="offline")
    assert (done.code, "failed" in done.err) == (0, False), done.err
    assert "W&B offline" in done.err
    assert_same_rows(offline_run(record())[1], record())


@needs_wandb
def test_times_are_those_of_the_training(python, script, record):
    python(script(), WANDB_MODE="offline")
    _, history, _ = offline_run(record())
    walls = [row["wall"] for row in read_record(record()).metrics()]
    assert [row["_timestamp"] for row in history] == pytest.approx(walls, abs=1e-3)


@needs_wandb
def test_a_training_that_fails_is_a_failed_run(python, script, record):
    done = python(script("raise ValueError('no')"), WANDB_MODE="offline")
    assert done.code == 1
    _, history, exit_code = offline_run(record())
    assert len(history) == 60
    assert exit_code == 1


@needs_wandb
def test_values_set_on_the_config_later_arrive(python, script, record):
    python(script("logger.config.epochs = 3"), WANDB_MODE="offline")
    assert offline_run(record())[0]["epochs"] == 3


@needs_wandb
def test_own_steps_are_the_steps_in_wandb_and_those_that_do_not_increase_are_kept_as_a_value(python, script, record):
    body = "for step in (1000, 1010, 1010, 5): logger.log({'val': step}, step=step)"
    python(script(body), WANDB_MODE="offline")
    _, history, _ = offline_run(record())
    assert [(row["_step"], row.get("step")) for row in history[-4:]] == [
        (1000, None),
        (1010, None),
        (1011, 1010),
        (1012, 5),
    ]


@needs_wandb
def test_tables_texts_images_and_artifacts_arrive(python, script, record, tmp_path):
    (tmp_path / "weights.bin").write_bytes(b"x" * 10)
    done = python(
        script(
            "import numpy\nlogger.define_metric('acc', step_metric='epoch', summary='max')\n"
            "logger.log_table('worst', [{'image': 3, 'loss': 2.0}])\nlogger.log_text('sample', 'once upon')\n"
            "logger.log_image('first', numpy.zeros((4, 4)))\nlogger.log_artifact('weights.bin', type='model')\n"
            "logger.alert('slow', 'very')\nlogger.log({'after': 1})"
        ),
        WANDB_MODE="offline",
    )
    assert done.code == 0, done.err
    assert "tipi: info: slow: very" in done.err
    assert status(record())["state"] == "done", (record() / "wandb" / "relay.log").read_text()
    _, history, _ = offline_run(record())
    rows = [without_clock(row) for row in history[60:]]
    assert rows[-1] == {"after": 1}
    assert {key.partition(".")[0] for row in rows for key in row} >= {"worst", "sample", "after"}
    assert next(row["sample"] for row in rows if "sample" in row) == "once upon"
    assert list((record() / "artifacts").glob("weights-*.bin"))


@needs_wandb
def test_what_wandb_does_not_understand_is_left_out_and_the_rows_behind_it_arrive(python, script, record):
    words = "logger.define_metric('*a*'); logger.define_metric('x', summary='sideways'); logger.log({'after': 1})"
    done = python(script(words), WANDB_MODE="offline")
    assert done.code == 0, done.err
    assert status(record())["state"] == "done"
    assert without_clock(offline_run(record())[1][-1]) == {"after": 1}
    assert "left out" in (record() / "wandb" / "relay.log").read_text()


@needs_wandb
def test_in_process_every_row_arrives_and_models_can_be_watched(python, tmp_path, record):
    pytest.importorskip("torch")
    (tmp_path / "train.py").write_text(
        "import sys, torch\nfrom tipi.helpers import logger\n"
        "logger.init(project='p', config={'lr': 0.1}, in_process=True)\nmodel = torch.nn.Linear(2, 1)\n"
        "logger.watch(model, log_freq=1)\n"
        "for step in range(30):\n    model(torch.ones(2)).sum().backward()\n    logger.log({'loss': step})\n"
        "print('wandb' in sys.modules)\n"
    )
    done = python("train.py", WANDB_MODE="offline")
    assert done.code == 0, done.err
    assert "True" in done.out.splitlines()
    assert "wandb runs in this process" in done.err
    config, history, exit_code = offline_run(record())
    assert [row["loss"] for row in history if "loss" in row] == list(range(30))
    assert (config["lr"], exit_code) == (0.1, 0)


@needs_wandb
def test_two_runs_of_one_script_are_two_runs_in_wandb(python, script, tmp_path):
    done = python(script("logger.finish(); logger.init(project='b'); logger.log({'x': 1})"), WANDB_MODE="offline")
    assert done.code == 0, done.err
    folders = [folder for folder in tmp_path.glob("runs/train/*/wandb/offline-run-*") if not folder.is_symlink()]
    assert sorted(len(read_run(folder)[1]) for folder in folders if "latest" not in folder.parts) == [1, 60]


@needs_wandb
def test_options_of_wandb_pass_through_and_unknown_ones_are_left_out(python, tmp_path, record):
    code = """
from tipi.helpers import logger
logger.init(mode="offline", job_type="train", x_label="left", colour="blue", settings={"console": "auto"})
logger.log({"x": 1})
"""
    (tmp_path / "train.py").write_text(code)
    done = python("train.py")
    assert done.code == 0, done.err
    assert len(offline_run(record())[1]) == 1
    assert "no setting 'colour'" in (record() / "wandb" / "relay.log").read_text()


@needs_wandb
def test_the_relay_run_again_adds_nothing_offline(python, script, record):
    python(script(), WANDB_MODE="offline")
    done = python("-m", "tipi_plugins.wandb.relay", record())
    assert done.code == 0, done.err
    assert len(offline_run(record())[1]) == 60


@needs_wandb
def test_a_relay_that_was_interrupted_starts_the_offline_files_again(python, script, record):
    python(script(), WANDB_MODE="offline")
    folder = status(record())["folder"]
    (record() / "wandb" / "status.json").write_text(json.dumps({"state": "running", "folder": folder}))
    done = python("-m", "tipi_plugins.wandb.relay", record())
    assert done.code == 0, done.err
    assert_same_rows(offline_run(record())[1], record())


# The ways in which a training can die


@needs_wandb
def test_kill_9_of_the_training_still_ends_the_run_with_every_row(script, background, record):
    script(FLUSH_AND_WAIT)
    training = background(WANDB_MODE="offline")
    wait_for(lambda: status(record()).get("state") == "running")
    training.send_signal(signal.SIGKILL)
    training.wait()
    wait_for(lambda: status(record()).get("state") == "done")
    assert read_record(record()).state == "crashed"
    _, history, exit_code = offline_run(record())
    assert len(history) == 60
    assert_same_rows(history, record())
    assert exit_code != 0


@needs_wandb
def test_ctrl_c_at_the_terminal_costs_no_row(script, background, record):
    script(FLUSH_AND_WAIT)
    training = background(WANDB_MODE="offline")
    wait_for(lambda: status(record()).get("state") == "running")
    os.killpg(training.pid, signal.SIGINT)
    training.communicate(timeout=60)
    assert read_record(record()).state == "interrupted"
    _, history, exit_code = offline_run(record())
    assert_same_rows(history, record())
    assert exit_code != 0


@needs_wandb
def test_a_relay_that_is_told_to_end_sends_what_there_is(script, background, record):
    script(FLUSH_AND_WAIT)
    training = background(WANDB_MODE="offline")
    wait_for(lambda: status(record()).get("state") == "running")
    with open(f"/proc/{training.pid}/task/{training.pid}/children") as file:
        (relay,) = (int(word) for word in file.read().split())
    os.kill(relay, signal.SIGTERM)
    wait_for(lambda: status(record()).get("state") == "done")
    assert_same_rows(offline_run(record())[1], record())


# Without account, network, package, terminal


def test_without_a_key_metrics_stay_in_the_record_and_nobody_asks(python, script, record):
    done = python(script())
    assert done.code == 0, done.err
    assert done.out == "False\n"
    if is_installed():
        assert done.err.count("no key for W&B") == 1
        assert "wandb login" in done.err
    assert len(list(read_record(record()).metrics())) == 60
    assert not (record() / "wandb").exists()


@pytest.mark.parametrize("environment", [{}, {"WANDB_MODE": "offline"}, {"WANDB_API_KEY": KEY}])
def test_without_the_package_metrics_stay_in_the_record(python, script, record, without_wandb, environment):
    done = python(script(), **without_wandb, **environment)
    assert done.code == 0, done.err
    assert done.err.count("W&B is not installed") == 1
    assert 'pip install "torch-tipi[wandb]"' in done.err
    assert len(list(read_record(record()).metrics())) == 60


def test_plugins_lists_wandb_with_its_pip_command_where_it_is_missing(cli, without_wandb):
    done = cli("plugins", "--json", **without_wandb)
    assert done.code == 0, done.err
    assert "torch-tipi[wandb]" in done.out


@pytest.mark.parametrize("environment", [{}, {"WANDB_MODE": "offline"}, {"WANDB_MODE": "disabled"}])
def test_with_stdin_closed_nothing_prompts(script, record, tmp_path, environment):
    done = subprocess.run(
        ["bash", "-c", 'exec "$0" "$1" <&-', sys.executable, str(script())],
        check=False,
        cwd=tmp_path,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    assert len(list(read_record(record()).metrics())) == 60


@needs_wandb
def test_a_server_that_refuses_connections_costs_nothing(python, script, record):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    done = python(script(), WANDB_BASE_URL=f"http://127.0.0.1:{port}", WANDB_API_KEY=KEY)
    assert done.code == 0, done.err
    assert done.out == "False\n"
    assert f"W&B did not answer at http://127.0.0.1:{port}" in done.err
    assert f"catch up with: tipi runs sync runs/train/{record().name}" in done.err
    assert len(list(read_record(record()).metrics())) == 60
    assert status(record())["state"] == "unreachable"


@needs_wandb
def test_a_server_that_never_answers_costs_nothing(python, script, record):
    with socket.create_server(("127.0.0.1", 0), backlog=5) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        done = python(script(), WANDB_BASE_URL=url, WANDB_API_KEY=KEY)
    assert done.code == 0, done.err
    assert f"W&B did not answer at {url}" in done.err
    assert len(list(read_record(record()).metrics())) == 60


# Online, against a server on this machine


@needs_wandb
def test_an_online_run_sends_every_row_and_shows_its_page(python, script, record, server):
    done = python(script(), **server.environment)
    assert done.code == 0, done.err
    assert done.out == "False\n"
    (run,) = server.runs
    assert f"/my_team/my_research/runs/{run}" in done.err
    assert_same_rows([server.rows[run][number] for number in sorted(server.rows[run])], record())
    assert server.exit_codes[run] == 0
    assert json.loads(server.runs[run]["config"])["lr"] == {"value": 0.1}


@needs_wandb
def test_what_an_outage_kept_back_is_sent_later_and_only_once(python, script, record, server):
    done = python(script(), **{**server.environment, "WANDB_BASE_URL": "http://127.0.0.1:9"})
    assert "catch up with" in done.err
    for _ in range(2):
        again = python("-c", SYNC, "latest", **server.environment)
        assert again.code == 0, again.err
    (run,) = server.runs
    assert_same_rows([server.rows[run][number] for number in sorted(server.rows[run])], record())


@needs_wandb
def test_a_run_that_was_local_or_offline_is_sent_later(python, script, record, server):
    python(script(), WANDB_MODE="offline")
    assert not server.runs
    done = python("-c", SYNC, record().name[:18], **server.environment)
    assert done.code == 0, done.err
    (run,) = server.runs
    assert_same_rows([server.rows[run][number] for number in sorted(server.rows[run])], record())
    assert run in done.out


@needs_wandb
def test_a_key_that_wandb_refuses_costs_nothing(python, script, record, server):
    done = python(script(), **{**server.environment, "WANDB_API_KEY": "short"})
    assert done.code == 0, done.err
    assert "W&B gave up" in done.err
    assert len(list(read_record(record()).metrics())) == 60


@needs_wandb
def test_the_permanence_sends_the_parameters_of_a_pipeline(cli, tmp_path, server):
    (tmp_path / "tipi.toml").touch()
    (tmp_path / "steps.py").write_text(
        "from tipi import pipeline_process\nfrom tipi.helpers import logger\n\n"
        "@pipeline_process\ndef step(lr: float):\n    logger.log({'lr': lr})\n"
    )
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "one.toml").write_text(
        '[permanences.wandb_logger]\ntype = "WandBManager"\n'
        'params = { project = "my_research", entity = "my_team", tags = ["a"], job_type = "train" }\n'
        '[processes.step]\ntype = "step"\nparams = { lr = 0.5 }\n'
    )
    done = cli("run", "one", **server.environment)
    assert done.code == 0, done.err
    ((run, told),) = server.runs.items()
    assert (told["project"], told["entity"], told["tags"], told["jobType"]) == (
        "my_research",
        "my_team",
        ["a"],
        "train",
    )
    assert json.loads(told["config"])["processes"] == {"value": {"step": {"lr": 0.5}}}
    assert [without_clock(row) for row in server.rows[run].values()] == [{"lr": 0.5}]
    assert server.exit_codes[run] == 0


# The ladder, rung by rung


@pytest.mark.parametrize(
    ("settings", "environment", "state", "words"),
    [
        ({"mode": "disabled"}, {"WANDB_API_KEY": KEY}, "local", 'off (mode="disabled")'),
        ({}, {"WANDB_MODE": "disabled"}, "local", "off (WANDB_MODE=disabled)"),
        ({"mode": "offline"}, {}, "offline", 'offline (mode="offline")'),
        ({}, {"WANDB_MODE": "offline"}, "offline", "offline (WANDB_MODE=offline)"),
        ({"mode": "online"}, {"WANDB_MODE": "offline"}, "local", "no key"),
        ({"mode": "online"}, {"WANDB_MODE": "disabled", "WANDB_API_KEY": KEY}, "online", "connecting"),
        ({}, {}, "local", "no key"),
        ({}, {"WANDB_API_KEY": KEY}, "online", "https://api.wandb.ai"),
        ({}, {"WANDB_API_KEY": KEY, "WANDB_BASE_URL": "http://x:1/"}, "online", "http://x:1;"),
    ],
)
@needs_wandb
def test_each_rung_is_one_line_that_says_which_why_and_how_to_change_it(settings, environment, state, words):
    rung = choose_rung(settings, "runs/train/1", environment)
    assert rung.state == state
    assert words in rung.explain
    assert "runs/train/1" in rung.explain
    assert "\n" not in rung.explain


def test_a_folder_that_wandb_left_behind_is_not_the_package(tmp_path, monkeypatch):
    (tmp_path / "wandb" / "run-1").mkdir(parents=True)
    monkeypatch.delitem(sys.modules, "wandb", raising=False)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert not is_installed()


def test_a_key_is_found_where_wandb_login_puts_it(tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine api.wandb.ai\n  login user\n  password {KEY}\n")
    environment = {"NETRC": str(netrc)}
    assert has_key("https://api.wandb.ai", environment)
    assert not has_key("https://wandb.example.org", environment)
    netrc.write_text("machine api.wandb.ai login")
    assert not has_key("https://api.wandb.ai", environment)


def test_the_server_is_found_where_wandb_login_puts_it(tmp_path):
    (tmp_path / "settings").write_text("[default]\nbase_url = https://wandb.example.org\n")
    assert find_server({"WANDB_CONFIG_DIR": str(tmp_path)}) == "https://wandb.example.org"
    (tmp_path / "settings").write_text("no section\n")
    assert find_server({"WANDB_CONFIG_DIR": str(tmp_path)}) == "https://api.wandb.ai"
