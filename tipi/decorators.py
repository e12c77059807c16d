"""The decorator that makes a function a process of pipelines."""

from __future__ import annotations

from tipi_core.components.process import pipeline_process

__all__ = ["pipeline_process"]
