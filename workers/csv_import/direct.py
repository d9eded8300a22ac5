"""Imports a file into the database itself: rows and the note of how far they are in one transaction a batch."""

from __future__ import annotations

from workers.csv_import.reading import Reading
from workers.csv_import.table import Table
from workers.progress_lines import say


def import_directly(reading: Reading, table: Table) -> None:
    """Store all rows, or as many as there are before `Reading.stop`; raises `DatabaseFailed`."""
    while not (reading.over or reading.stopping):
        texts = (table.texts_of(chunk.rows, reading.identity) for chunk in reading.batch())
        reading.stored += table.store(texts, reading.note)
        say(reading.state())
