"""Variables such as ``TQDM_MININTERVAL`` are the defaults of keywords, as in tqdm."""

import pytest

pytest.importorskip("tqdm")

NAMES = "leave mininterval maxinterval miniters ncols nrows total disable unit unit_scale desc ascii colour delay n"
CODE = f"""
import io, sys
from {{module}} import {{name}} as bar
opened = bar(range(3), file=io.StringIO(), {{keywords}})
print({{{{name: getattr(opened, name, "none") for name in {NAMES.split()!r}}}}})
"""


@pytest.mark.parametrize("keywords", ["", "desc='mine', mininterval=2, disable=False"])
@pytest.mark.parametrize(
    "variables",
    [
        {"TQDM_DISABLE": "1"},
        {"TQDM_DISABLE": ""},
        {"TQDM_MININTERVAL": "5", "TQDM_UNIT": "image", "TQDM_UNIT_SCALE": "1"},
        {"TQDM_NCOLS": "40", "TQDM_MINITERS": "2.5", "TQDM_TOTAL": "9", "TQDM_NROWS": "7"},
        {"TQDM_DESC": "outside", "TQDM_ASCII": "123", "TQDM_COLOUR": "green"},
        {"tqdm_delay": "3", "TQDM_LEAVE": "", "TQDM_UNKNOWN": "x"},
    ],
    ids=str,
)
def test_a_variable_is_a_default(python, variables, keywords):
    ours = python("-c", CODE.format(module="tipi.helpers", name="progress_bar", keywords=keywords), **variables)
    theirs = python("-c", CODE.format(module="tqdm", name="tqdm", keywords=keywords), **variables)
    assert (ours.code, ours.out) == (0, theirs.out)


def test_a_positional_argument_wins(python):
    """tqdm raises here: it hands the variable over as a keyword."""
    code = "from tipi.helpers import progress_bar\nprint(progress_bar(range(3), 'mine', disable=None).total)"
    assert python("-c", code, TQDM_DESC="outside", TQDM_TOTAL="7").out == "7.0\n"
