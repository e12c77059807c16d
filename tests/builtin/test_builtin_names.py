"""What the built-in plugin names, and that naming costs nothing."""

from __future__ import annotations

import subprocess
import sys

from tipi_core.plugins import PluginHost


def test_every_name_leads_to_something():
    registry = PluginHost.load(only=["builtin"]).registry
    assert registry.names("permanence") == ["Data", "Device", "Network"]
    assert registry.names("process") == [
        "ExportProcess",
        "Sequence",
        "TestingProcess",
        "TrainingProcess",
        "ValidationProcess",
    ]
    assert registry.names("model") == ["mlp", "residual_cnn", "small_cnn"]
    assert registry.names("dataset") == ["digits", "folder", "synthetic"]
    for entry in registry.entries():
        assert callable(entry.load())


def test_naming_imports_no_torch():
    code = (
        "import sys; from tipi_core.plugins import PluginHost;"
        "PluginHost.load(only=['builtin']).registry.entries(); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
