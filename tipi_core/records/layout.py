"""The layout of a run's folder: the names of its files, described in ``docs/records.md``."""

from __future__ import annotations

FORMAT = 1

RUN = "run.json"
CONFIG = "config.toml"
EVENTS = "events.jsonl"
METRICS = "metrics.jsonl"
LOG = "log.txt"
PATCH = "changes.patch"
LOCK = "lock"
ARTIFACTS = "artifacts"
CHECKPOINTS = "checkpoints"
LATEST = "latest"

RUNNING = "running"
CRASHED = "crashed"
