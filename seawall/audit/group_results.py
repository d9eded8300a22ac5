"""Holds what each kind of consumer group has made against the rows of the table."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from contract.connections import Connections
from contract.engine import engine_of
from contract.entities import ENTITIES
from contract.tables import TABLES
from seawall.audit.errors import AuditFailed
from seawall.audit.windows import differing, read_published, windows_of_table

WORDS = ("warm", "gift", "quick", "muy", "solide")
"""What the index is asked for: words that tokenizers and plain splitting take alike."""
_FIELDS = ENTITIES["orders"].fields


class Checked(NamedTuple):
    """Whether a group's work is as it should be, and what was looked at or is wrong."""

    right: bool
    said: str


class OrderRows:
    """All orders of the table by their ids, as texts and plain values; raises `AuditFailed`."""

    def __init__(self, connections: Connections) -> None:
        columns = [TABLES["orders"].c[name] for name in _FIELDS]
        try:
            with engine_of(connections).connect() as connection:
                rows = connection.execute(sa.select(*columns)).all()
        except sa.exc.DBAPIError as error:
            raise AuditFailed(f"orders could not be read from the table: {str(error.orig).strip()}") from None
        texts = {"id", "user_id", "product_id"}
        self.by_id = {
            str(row[0]): {
                name: str(value) if name in texts else value for name, value in zip(_FIELDS, row, strict=True)
            }
            for row in rows
        }

    def without(self, ids: Iterable[str]) -> set[str]:
        """Return the ids of all but these."""
        return self.by_id.keys() - set(ids)


def check_windows(connections: Connections, publisher: str, size_us: int, without: frozenset[str]) -> Checked:
    """Compare published windows with those of the table."""
    published = read_published(connections.redis_url, publisher)
    left_out = published.too_late | without
    wrong = differing(published.windows, windows_of_table(connections, size_us, sorted(left_out)))
    if wrong:
        return Checked(right=False, said=f"{len(wrong):,} windows are not those of the table")
    late = f", {len(published.too_late):,} too late" if published.too_late else ""
    return Checked(right=True, said=f"{len(published.windows):,} windows are those of the table{late}")


def check_notifications(received: Path, wanted: set[str]) -> Checked:
    """Compare the orders that a receiver has heard of with those that it should have."""
    heard = received.read_text(encoding="ascii").split()
    different = set(heard)
    if different != wanted:
        return Checked(
            right=False,
            said=f"{len(wanted - different):,} not delivered, {len(different - wanted):,} of unknown orders",
        )
    again = len(heard) - len(different)
    return Checked(right=True, said=f"{len(different):,} delivered, {again:,} of them again")


def check_index(path: Path, rows: OrderRows, without: frozenset[str]) -> Checked:
    """Ask a search index for some words and compare its answers with the notes of the table."""
    wanted = {word: {one for one in rows.without(without) if word in rows.by_id[one]["note"].split()} for word in WORDS}
    try:
        with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            found = {
                word: {
                    identity
                    for (identity,) in database.execute(
                        "SELECT id FROM notes JOIN orders ON orders.number = notes.rowid WHERE notes MATCH ?",
                        (f"note:{word}",),
                    )
                }
                for word in WORDS
            }
            (count,) = database.execute("SELECT count(*) FROM orders").fetchone()
    except sqlite3.Error as error:
        return Checked(right=False, said=f"the index does not answer: {error}")
    wrong = [word for word in WORDS if found[word] != wanted[word]]
    if wrong or count != len(rows.without(without)):
        return Checked(right=False, said=f"{count:,} orders indexed; wrong answers for {', '.join(wrong) or 'none'}")
    hits = sum(map(len, found.values()))
    return Checked(right=True, said=f"{count:,} indexed, {len(WORDS)} questions answered with {hits:,} orders")


def check_archive(directory: Path, rows: OrderRows, without: frozenset[str]) -> Checked:
    """Read an archive back and compare it, column by column, with the table."""
    files = sorted(directory.glob("*.parquet"))
    archived: dict[str, Mapping[str, object]] = {}
    seen: set[tuple[int, int]] = set()
    again = 0
    try:
        for file in files:
            for line in pq.read_table(file, page_checksum_verification=True).to_pylist():
                place = line.pop("partition"), line.pop("offset")
                again += place in seen
                seen.add(place)
                archived[line["id"]] = line
    except (pa.ArrowException, OSError, KeyError) as error:
        return Checked(right=False, said=f"an archive cannot be read back: {error}")
    wanted = {one: rows.by_id[one] for one in rows.without(without)}
    wrong = sum(archived.get(one) != wanted.get(one) for one in archived.keys() | wanted.keys())
    if wrong:
        return Checked(right=False, said=f"{wrong:,} orders are not in the archive as they are in the table")
    return Checked(right=True, said=f"{len(archived):,} read back from {len(files):,} files, {again:,} of them twice")
