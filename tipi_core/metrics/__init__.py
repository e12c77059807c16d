"""Metrics: ``logger``, the queue between the training loop and the record, and the trackers that follow it."""

from tipi_core.metrics.logger import Logger, logger, start_pending
from tipi_core.metrics.tracker import Tracker

__all__ = ["Logger", "Tracker", "logger", "start_pending"]
