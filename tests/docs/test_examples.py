"""The examples in the engine's docstrings are true."""

from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_examples_of_the_engine(python, tmp_path):
    done = python("-m", "pytest", "-q", "-p", "no:cacheprovider", "--doctest-modules", ROOT / "tipi_core", cwd=tmp_path)
    assert done.code == 0, done.out
    assert "passed" in done.out
