"""``docs/records.md`` describes the files and keys that runs really leave."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "records.md").read_text(encoding="utf-8")


def section(title):
    return re.search(rf"^## {re.escape(title)}$(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)[1]


def keys(title):
    cells = re.findall(r"^\| (`.+?) \|", section(title), re.MULTILINE)
    return {key for cell in cells for key in re.findall(r"`([^`]+)`", cell)}


@pytest.fixture
def record(python, tmp_path):
    script = "from tipi.helpers import logger, progress_bar\nlogger.init(mode='disabled', config={'lr': 0.1})\n"
    script += "for i in progress_bar(range(3), desc='Epochs'):\n    logger.log({'loss': 1 / (i + 1)})\n"
    (tmp_path / "train.py").write_text(script)
    assert python("train.py").code == 0
    return (tmp_path / "runs" / "train" / "latest").resolve()


def test_the_first_block_reads_a_record_with_nothing_but_json(record, tmp_path):
    code = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1]
    assert re.findall(r"^(?:import|from) (\w+)", code, re.MULTILINE) == ["json", "glob"]
    command = [sys.executable, "-I", "-S", "-c", code]
    done = subprocess.run(command, check=False, cwd=tmp_path, capture_output=True, text=True)
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert [line.partition(" ")[2] for line in lines] == [
        "0 {'loss': 1.0}",
        "1 {'loss': 0.5}",
        "2 {'loss': 0.3333333333333333}",
    ]


def test_every_file_key_and_event_of_a_script_is_described(record):
    for file in record.iterdir():
        assert f"{file.name}" in PAGE
    assert set(json.loads((record / "run.json").read_text())) <= keys("`run.json`")
    rows = [json.loads(line) for line in (record / "metrics.jsonl").read_text().splitlines()]
    assert {key for row in rows for key in row} == keys("`metrics.jsonl`") - {"files", "define", "alert", "summary"}
    assert [row["loop"] for row in rows] == [[["Epochs", number]] for number in range(3)]


def test_every_key_and_event_of_a_pipeline_is_described(cli, tmp_path):
    (tmp_path / "tipi.toml").touch()
    (tmp_path / "steps.py").write_text(
        "from tipi import pipeline_process\n\n@pipeline_process\ndef step():\n    pass\n"
    )
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "one.toml").write_text('seed = 1\n[processes.step]\ntype = "step"\n')
    done = cli("run", "one")
    assert done.code == 0, done.err
    record = tmp_path / "runs" / "one" / "latest"
    assert set(json.loads((record / "run.json").read_text())) <= keys("`run.json`")
    events = {json.loads(line)["event"] for line in (record / "events.jsonl").read_text().splitlines()}
    assert events <= keys("`events.jsonl`")
    assert {"process_started", "process_finished", "run_ended"} <= events
    assert "seed = 1" in (record / "config.toml").read_text()
