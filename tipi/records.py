"""Records of runs, for programs that read them."""

from __future__ import annotations

from tipi_core.records import Record, list_records, read_record

__all__ = ["Record", "list_records", "read_record"]
