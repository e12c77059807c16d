"""A run with all first-party plugins, for types that are used without a pipeline."""

from __future__ import annotations

import sys

import pytest

from tipi_core.run import Run, activate


@pytest.fixture
def run(tmp_path):
    with activate(Run("builtin", root=tmp_path, seed=0)) as run:
        yield run


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    """Tests share the cores: torch threads of several would fight."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _forget_mine():
    """Projects of several tests have a module of this name."""
    yield
    sys.modules.pop("mine", None)
