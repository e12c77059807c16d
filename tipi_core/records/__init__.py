"""The record of a run: a folder of plain files that is the truth about it."""

from tipi_core.records.facts import SlowFacts, collect_facts
from tipi_core.records.reader import Record, list_records, read_record
from tipi_core.records.writer import RunRecord

__all__ = ["Record", "RunRecord", "SlowFacts", "collect_facts", "list_records", "read_record"]
