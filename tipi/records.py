"""Records of runs, for programs that read them."""

from __future__ import annotations

from tipi_core.records import Record, list_records, read_record
from tipi_core.records.finding import find_record
from tipi_core.records.series import Series

__all__ = ["Record", "Series", "find_record", "list_records", "read_record"]
