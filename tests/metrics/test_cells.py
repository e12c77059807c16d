"""The logger in a notebook: a cell that is run again begins a new run, as in wandb."""

import pytest

from tipi.records import list_records

pytest.importorskip("ipykernel")
nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")

pytestmark = pytest.mark.filterwarnings("ignore")  # the client's own, about event loops and missing ids

INIT = """
from tipi.helpers import logger
run = logger.init(project="p", config={"lr": 0.1})
assert logger.init(project="p", config={"lr": 0.1}).id == run.id
"""
TRAIN = "for step in range(3):\n    logger.log({'loss': step})"
FAIL = "logger.log({'loss': 9})\nraise ValueError('too steep')"
INTERRUPT = "logger.log({'loss': 9})\nraise KeyboardInterrupt"


@pytest.fixture
def states(tmp_path, monkeypatch):
    """Execute cells one after the other in one kernel; return (state, error, rows) of each run, oldest first."""
    monkeypatch.setenv("TIPI_PLUGINS", "")
    monkeypatch.setenv("TIPI_QUIET", "1")

    def execute(*cells):
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        place = {"metadata": {"path": str(tmp_path)}}
        client = nbclient.NotebookClient(
            notebook, timeout=60, kernel_name="python3", resources=place, allow_errors=True
        )
        client.execute()
        records = reversed(list_records(tmp_path / "runs"))
        return [(record.state, record.info.get("error"), len(list(record.metrics()))) for record in records]

    return execute


def test_a_cell_that_is_run_again_begins_a_run_and_the_one_before_ended_as_its_last_cell_did(states):
    elsewhere = "1 / 0"  # a cell that does not log is no verdict on the run
    assert states(INIT, TRAIN, elsewhere, INIT, TRAIN, FAIL, INIT, INTERRUPT, INIT, FAIL, TRAIN) == [
        ("completed", None, 3),
        ("failed", "ValueError: too steep", 4),
        ("interrupted", "KeyboardInterrupt: ", 1),
        ("completed", None, 4),
    ]


def test_a_cell_that_only_trains_goes_on_with_the_run(states):
    assert states(INIT, TRAIN, TRAIN) == [("completed", None, 6)]


def test_after_finish_a_cell_begins_another_run(states):
    assert states(INIT, TRAIN + "\nlogger.finish()", INIT, FAIL) == [
        ("completed", None, 3),
        ("failed", "ValueError: too steep", 1),
    ]
