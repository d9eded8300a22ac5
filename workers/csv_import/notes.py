"""How far the import of a file is, noted in the database: with a batch's rows, or behind what the log has taken."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import psycopg

from contract.csv_rows import FileIdentity
from workers.csv_import.errors import AlreadyRunning, OtherReading
from workers.csv_import.lines import Position

_READ = (
    'SELECT read_as, "offset", offset_line, line, good, bad, rejects, rejects_bytes, finished FROM csv_imports'
    " WHERE file = %s AND way = %s"
)
_WRITE = (
    'INSERT INTO csv_imports (file, way, read_as, "offset", offset_line, line, good, bad, rejects, rejects_bytes,'
    " finished, noted_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, now())"
    ' ON CONFLICT (file, way) DO UPDATE SET read_as = EXCLUDED.read_as, "offset" = EXCLUDED."offset",'
    " offset_line = EXCLUDED.offset_line, line = EXCLUDED.line, good = EXCLUDED.good, bad = EXCLUDED.bad,"
    " rejects = EXCLUDED.rejects, rejects_bytes = EXCLUDED.rejects_bytes, finished = EXCLUDED.finished,"
    " noted_at = EXCLUDED.noted_at"
)
_OTHERS = "SELECT DISTINCT read_as FROM csv_imports WHERE file = %s AND read_as <> %s"


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

    def __init__(
        self, connection: psycopg.Connection, identity: FileIdentity, way: str, read_as: str, *, anew: bool = False
    ) -> None:
        """*anew* forgets what was imported of the file, by every way. Raises `AlreadyRunning`, or `OtherReading`."""
        self._connection, self._file = connection, identity.file
        self._way, self._read_as = way, read_as
        key = identity.run.high >> 1
        row = connection.execute("SELECT pg_try_advisory_lock(%s)", [key]).fetchone()
        if row is None or not row[0]:
            raise AlreadyRunning("another process imports this file just now: wait for it, or stop it")
        if anew:
            with connection.transaction():
                connection.execute("DELETE FROM csv_rows WHERE id BETWEEN %s AND %s", [identity.file, identity.last])
                connection.execute("DELETE FROM csv_imports WHERE file = %s", [identity.file])
        other = connection.execute(_OTHERS, [identity.file, read_as]).fetchone()
        if other is not None:
            raise OtherReading(
                f"this file was imported before as {other[0]}, and would now be read as {read_as}: name that encoding"
                " and delimiter again, or give --anew, which forgets what was imported of it"
            )

    def read(self) -> Progress | None:
        """Return what was noted last; None where nothing was, or the reject file that belongs to it is gone."""
        row = self._connection.execute(_READ, [self._file, self._way]).fetchone()
        if row is None:
            return None
        _, offset, offset_line, line, good, bad, rejects, size, finished = row
        found = Progress(Position(offset, offset_line, line), good, bad, Path(rejects), size, finished)
        try:
            whole = found.rejects.stat().st_size >= size
        except OSError:
            whole = False
        return found if whole else None

    def write(self, cursor: psycopg.Cursor, progress: Progress) -> None:
        """Note *progress* in the transaction of *cursor*."""
        cursor.execute(
            _WRITE,
            [
                *(self._file, self._way, self._read_as, *progress.position, progress.good, progress.bad),
                *(str(progress.rejects.absolute()), progress.rejects_bytes, progress.finished),
            ],
        )
