"""TensorBoard: the real writer's files, read back."""

import math

import pytest

from tests.plugins.tensorboard_files import read_scalars
from tipi.helpers import logger
from tipi_core.plugins import PluginHost
from tipi_core.run import Run, activate

pytest.importorskip("tensorboardX")


@pytest.fixture
def run(tmp_path):
    import tipi_plugins.tensorboard as plugin

    host = PluginHost()
    host.register("tensorboard", plugin)
    with activate(Run("train", root=tmp_path, host=host)) as run:
        yield run
        run.close("completed")


def test_every_number_of_every_row_arrives(run, monkeypatch):
    monkeypatch.setenv("TIPI_TENSORBOARD", "on")
    for number in range(50):
        logger.log({"loss": number / 2, "note": "text", "bad": math.nan if number == 3 else 1.0})
    run.close("completed")
    scalars = read_scalars(run.record.path / "tensorboard")
    assert [(step, value) for name, step, value in scalars if name == "loss"] == [(n, n / 2) for n in range(50)]
    assert math.isnan(next(value for name, step, value in scalars if (name, step) == ("bad", 3)))
    assert "note" not in {name for name, _, _ in scalars}


def test_nothing_is_written_unless_asked_for(run):
    logger.log({"loss": 1.0})
    run.close("completed")
    assert not (run.record.path / "tensorboard").exists()
