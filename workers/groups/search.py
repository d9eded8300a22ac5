"""A search index over the notes of orders: SQLite's FTS5, in a file that others read while it grows."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from contract.entities import Order
from workers.groups.work import NotNow, PlainWork, Refused, Taken

_SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE);
CREATE VIRTUAL TABLE IF NOT EXISTS notes USING fts5 (note, status, content = '', tokenize = "unicode61");
"""


class SearchIndex(PlainWork):
    """Adds each order once, a transaction a batch; what is taken is kept when the transaction is committed."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.executescript(_SCHEMA)

    def take(self, records: Sequence[Taken]) -> None:
        """Index them, all or none."""
        orders = [_order(one) for one in records]
        database = self._database
        try:
            database.execute("BEGIN IMMEDIATE")
            try:
                for order in orders:
                    added = database.execute("INSERT OR IGNORE INTO orders (id) VALUES (?)", (str(order.id),))
                    if added.rowcount:
                        database.execute(
                            "INSERT INTO notes (rowid, note, status) VALUES (?, ?, ?)",
                            (added.lastrowid, order.note, order.status),
                        )
                database.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    database.execute("ROLLBACK")
                raise
        except sqlite3.OperationalError as error:
            raise NotNow(f"the search index: {error}") from None

    def keep(self) -> None:
        """Do nothing: the transaction was committed."""

    def close(self) -> None:
        """Close the file."""
        self._database.close()


def _order(taken: Taken) -> Order:
    if not isinstance(taken.record, Order):
        raise Refused("the search index holds orders alone")
    return taken.record
