"""A run of a script in a temporary folder, without plugins."""

import json

import pytest

from tipi_core.plugins import PluginHost
from tipi_core.run import Run, activate


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with activate(Run("train", root=tmp_path, host=PluginHost())) as run:
        yield run
        run.close("completed")


@pytest.fixture
def rows(run):
    """End the run and return the rows of its record."""

    def read():
        run.close("completed")
        assert run.record is not None
        return [json.loads(line) for line in (run.record.path / "metrics.jsonl").read_text().splitlines()]

    return read
