"""Bars in a notebook that is executed by a kernel."""

import pytest

pytest.importorskip("ipykernel")
nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")

pytestmark = pytest.mark.filterwarnings("ignore")  # the client's own, about event loops and missing ids


def execute(*cells):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbclient.NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    return [cell.outputs for cell in notebook.cells]


def texts(outputs):
    import re

    return [
        re.sub(r"\x1b\[[0-9;]*m", "", output.data["text/plain"] if "data" in output else output.text)
        for output in outputs
    ]


def test_bars_share_one_output_that_ends_with_what_stays():
    [outputs, later] = execute(
        """
from tipi.helpers import progress_bar
for epoch in progress_bar(range(2), desc="Epochs"):
    for batch in progress_bar(range(3), desc="Training", leave=False):
        pass
    print("epoch", epoch)
""",
        "for i in progress_bar(range(4), desc='Again'): pass",
    )
    shown, printed = texts(outputs)
    assert printed == "epoch 0\nepoch 1\n"
    [line] = shown.splitlines()
    assert line.startswith("✓ Epochs")
    assert "2/2" in line
    assert [text.split()[1] for text in texts(later)] == ["Again"]


def test_a_cell_that_clears_its_output_keeps_its_bar():
    """As loops do that plot while they run."""
    [outputs, later] = execute(
        """
from IPython.display import clear_output
from tipi.helpers import progress_bar
before = get_ipython().display_pub.clear_output
for i in progress_bar(range(3), desc="Work"):
    clear_output(wait=True)
    print("plot", i)
""",
        "print(get_ipython().display_pub.clear_output == before)",
    )
    printed, shown = sorted(texts(outputs))
    assert printed == "plot 2\n"
    assert shown.startswith("✓ Work")
    assert texts(later) == ["True\n"]


def test_a_cell_that_fails_shows_where_it_stopped():
    with pytest.raises(nbclient.exceptions.CellExecutionError):
        execute("from tipi.helpers import progress_bar\nfor i in progress_bar(range(4)): 1 / (2 - i)")
