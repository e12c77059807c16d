"""The same bars inside a pipeline."""

import json

import pytest

WORK = """
from tipi.decorators import pipeline_process
from tipi.helpers import logger, progress_bar

@pipeline_process
def work():
    for epoch in progress_bar(range(4), desc="Epochs"):
        for batch in progress_bar(range(5), desc="Training", leave=False):
            logger.log({"loss": 0.5})
            shot() if (epoch, batch) == (1, 2) else None
"""
SHOT = """
import builtins
builtins.shot = shot
from tipi import PipelineRunner
"""


@pytest.fixture
def project(tmp_path):
    def make(manager=""):
        (tmp_path / "configs").mkdir()
        (tmp_path / "steps.py").write_text(WORK)
        (tmp_path / "configs" / "demo.toml").write_text(f'{manager}\n[processes.work]\ntype = "work"\n')
        return tmp_path

    return make


MANAGER = '[permanences.bars]\ntype = "ProgressManager"\nparams = {{ {} }}\n'


def test_a_users_bars_are_inside_the_pipelines(terminal, project):
    project()
    seen = terminal(SHOT + "PipelineRunner('demo').run()")
    assert seen.code == 0
    pipeline, epochs, training = seen.shots[0]
    assert pipeline[2:6] == "demo"
    assert pipeline.endswith("work")
    assert epochs.startswith("└ Epochs")
    assert training.startswith("  └ Training")
    assert "loss" not in epochs


@pytest.mark.parametrize(
    ("options", "lines"),
    [("off = true", 0), ('columns = ["desc"], theme = "mono"', 3)],
)
def test_the_permanence_configures_them(terminal, project, options, lines):
    project(MANAGER.format(options))
    seen = terminal(SHOT + "PipelineRunner('demo').run()")
    assert seen.code == 0
    assert len([line for line in seen.shots[0] if "tipi:" not in line]) == lines
    assert all("%" not in line for line in seen.shots[0] if "tipi:" not in line)


def test_a_wrong_option_names_its_place(cli, project):
    folder = project(MANAGER.format('theme = "embers"'))
    done = cli("run", "demo", cwd=folder)
    assert done.code == 2
    assert "did you mean 'ember'" in done.err


@pytest.mark.parametrize(("words", "environment", "items"), [([], {"TIPI_SMOKE": "2"}, 2), (["--smoke"], {}, 3)])
def test_a_trial_run_is_short_and_its_record_says_so(cli, project, words, environment, items):
    folder = project()
    (folder / "steps.py").write_text(WORK.replace("shot()", "None"))
    done = cli("run", "demo", *words, cwd=folder, **environment)
    assert done.code == 0
    [info] = (folder / "runs" / "demo").glob("2*/run.json")
    assert json.loads(info.read_text())["smoke"] == items
    metrics = (info.parent / "metrics.jsonl").read_text().splitlines()
    assert len(metrics) == items**2
    assert [loop[0] for loop in json.loads(metrics[0])["loop"]][-2:] == ["Epochs", "Training"]
