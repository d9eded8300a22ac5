"""PostgreSQL, as a sink uses it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import psycopg

from workers.sink.batches import RowFormat
from workers.sink.offset_table import kept_offsets
from workers.sink.rows import ROW_FORMATS
from workers.sink.settings import Settings
from workers.sink.writer import Writer


class PostgreSQL:
    """The one at *url*."""

    errors: tuple[type[Exception], ...] = (psycopg.Error,)
    formats: Mapping[str, RowFormat] = ROW_FORMATS

    def __init__(self, url: str) -> None:
        self.url = url

    def writer(self, settings: Settings) -> Writer:
        """Return what writes by COPY."""
        return Writer(
            self.url, name=settings.sink_name, timeout_s=settings.sink_database_timeout_s, group=settings.sink_group
        )

    def kept_offsets(self, group: str, pairs: Iterable[tuple[str, int]]) -> dict[tuple[str, int], int]:
        """Return where the *group* goes on; raises `psycopg.Error`."""
        return kept_offsets(self.url, group, pairs)
