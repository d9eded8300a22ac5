"""How far the import of a file is, noted in the database: with a batch's rows, or behind what the log has taken."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa

from contract.csv_rows import FileIdentity
from contract.tables import csv_imports, csv_rows
from workers.csv_import.errors import AlreadyRunning, OtherReading
from workers.csv_import.lines import Position
from workers.csv_import.table import Table

_NOTES = csv_imports.c


class Progress(NamedTuple):
    """What of a file is dealt with."""

    position: Position
    good: int = 0
    bad: int = 0
    rejects: Path = Path()
    rejects_bytes: int = 0
    finished: bool = False


class Notes:
    """The notes of one file and way; nobody else imports that file while they are held."""

    def __init__(self, table: Table, identity: FileIdentity, way: str, read_as: str, *, anew: bool = False) -> None:
        """*anew* forgets what was imported of the file, by every way.

        Raises `AlreadyRunning`, `OtherReading`, `DatabaseFailed`.
        """
        self._table, self._file = table, identity.file
        self._way, self._read_as = way, read_as
        if not table.lock(identity):
            raise AlreadyRunning("another process imports this file just now: wait for it, or stop it")
        with table.transaction() as connection:
            if anew:
                connection.execute(sa.delete(csv_rows).where(csv_rows.c.id.between(identity.file, identity.last)))
                connection.execute(sa.delete(csv_imports).where(_NOTES.file == identity.file))
            others = sa.select(_NOTES.read_as).where(_NOTES.file == identity.file, _NOTES.read_as != read_as)
            other = connection.scalar(others.limit(1))
        if other is not None:
            raise OtherReading(
                f"this file was imported before as {other}, and would now be read as {read_as}: name that encoding"
                " and delimiter again, or give --anew, which forgets what was imported of it"
            )

    def read(self) -> Progress | None:
        """Return what was noted last; None where nothing was, or the reject file that belongs to it is gone."""
        with self._table.transaction() as connection:
            mine = sa.select(csv_imports).where(_NOTES.file == self._file, _NOTES.way == self._way)
            row = connection.execute(mine).one_or_none()
        if row is None:
            return None
        position = Position(row.offset, row.offset_line, row.line)
        found = Progress(position, row.good, row.bad, Path(row.rejects), row.rejects_bytes, row.finished)
        try:
            whole = found.rejects.stat().st_size >= found.rejects_bytes
        except OSError:
            whole = False
        return found if whole else None

    def write(self, connection: sa.Connection, progress: Progress) -> None:
        """Note *progress* in the transaction of *connection*."""
        noted: dict[str, Any] = {
            "file": self._file,
            "way": self._way,
            "read_as": self._read_as,
            **progress.position._asdict(),
            "good": progress.good,
            "bad": progress.bad,
            "rejects": str(progress.rejects.absolute()),
            "rejects_bytes": progress.rejects_bytes,
            "finished": progress.finished,
            "noted_at": datetime.now(UTC),
        }
        connection.execute(self._table.noting(noted))
