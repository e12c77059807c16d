"""The examples in the docstrings of the plugins that need torch are true."""

from pathlib import Path

import tipi_plugins

PLUGINS = Path(tipi_plugins.__file__).parent


def test_the_examples_of_the_builtin_types_and_the_devices(python, tmp_path):
    folders = [PLUGINS / name for name in ("builtin", "devices")]
    done = python("-m", "pytest", "-q", "-p", "no:cacheprovider", "--doctest-modules", *folders, cwd=tmp_path)
    assert done.code == 0, done.out
    assert "passed" in done.out
