"""The packaged quickstart reaches what it promises."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from tipi import PipelineRunner

ROOT = Path(__file__).parents[2]


def test_the_copy_in_configs_is_the_packaged_one():
    packaged = files("tipi_plugins.builtin.pipelines").joinpath("quickstart.toml").read_text()
    assert (ROOT / "configs" / "quickstart" / "pipeline.toml").read_text() == packaged


def accuracy(seed):
    return PipelineRunner("quickstart", overrides={"seed": seed}).run()["testing"]["accuracy"]


def test_it_reads_97_of_100_digits_in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert accuracy(seed=0) >= 0.97


@pytest.mark.long
def test_so_it_does_with_each_of_five_seeds(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    reached = sorted(accuracy(seed) for seed in range(5))
    assert reached[0] >= 0.97
    assert reached[2] >= 0.98
