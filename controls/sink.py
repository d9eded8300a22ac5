"""``python -m controls.sink``: the real sink with one planted fault, see `controls.faults`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any
from uuid import UUID

from confluent_kafka import Message
from psycopg import sql

from contract.registry import Registry
from contract.tables import TABLES
from controls.faults import SINK_FAULTS, Choice, DeedLog, OneIn, UnknownFault
from workers.sink import __main__ as real
from workers.sink.batches import Batch, Rows
from workers.sink.consumer import Sink
from workers.sink.counts import DATABASE
from workers.sink.database import Database, Outcome
from workers.sink.postgresql import PostgreSQL
from workers.sink.rows import id_of
from workers.sink.settings import Settings
from workers.sink.writer import Writer


class RepeatingWriter(Writer):
    """Stores one record in so many twice, while that is the planted fault; the tables lose their primary keys by it.

    They do not get them back: what comes after needs another stack.
    """

    def __init__(self, url: str, choice: Choice, log: DeedLog, *, name: str, timeout_s: float) -> None:
        super().__init__(url, name=name, timeout_s=timeout_s)
        self._choice, self._log = choice, log
        self._one_in = OneIn()
        self._keys_dropped = False

    def begin(self, batch: Batch) -> None:
        """Send nothing before `write`, which may have to do something else first."""

    def write(self, batch: Batch) -> Outcome:
        """Commit *batch*, and some of it again."""
        fault = self._choice.current()
        if fault.name == "store-twice" and not self._keys_dropped:
            self._drop_keys()
        outcome = super().write(batch)
        if fault.name == "store-twice":
            chosen = [_some_of(table, lambda: self._one_in.picks(fault.amount)) for table in batch.tables]
            again = Batch([table for table in chosen if table.rows], [], [])
            if again.size:
                self._quickly(again)  # the careful path would find the rows and leave them out
                self._log.add("store-twice", "repeated", *_ids(again))
        return outcome

    def _drop_keys(self) -> None:
        """Take away what would absorb a second row."""
        connection = self._connected()
        with connection.transaction():
            for name in TABLES:
                drop = sql.SQL("ALTER TABLE {} DROP CONSTRAINT IF EXISTS {}")
                connection.execute(drop.format(sql.Identifier(name), sql.Identifier(f"{name}_pkey")))
        self._keys_dropped = True


class MisbehavingSink(Sink):
    """The real sink, except that it may commit offsets before their rows."""

    def __init__(
        self, connection: dict[str, Any], database: Database, settings: Settings, registry: Registry | None = None
    ) -> None:
        if not isinstance(database, PostgreSQL):
            raise UnknownFault("faults are planted into a sink of PostgreSQL alone")
        super().__init__(connection, database, settings, registry)
        self._choice, self._log = Choice(SINK_FAULTS), DeedLog(settings.sink_name)
        self._writer = RepeatingWriter(
            database.url, self._choice, self._log, name=settings.sink_name, timeout_s=settings.sink_database_timeout_s
        )
        self._kept: Batch | None = None

    def _gather(self) -> list[Message]:
        """Return the next messages; store what was kept when there is none."""
        messages = super()._gather()
        if not messages:
            self._store_kept()
        return messages

    def _move(self, batch: Batch, *, more: bool) -> None:
        """Commit the offsets of *batch*, store the one before it, and keep this one until the next has come."""
        if self._choice.current().name != "early-offsets":
            self._store_kept()
            super()._move(batch, more=more)
            return
        self._log.add("early-offsets", "committed", *_ids(batch))
        self._commits.stored(batch.spans)
        self._store_kept()
        self._kept = batch

    def _store_kept(self) -> None:
        batch, self._kept = self._kept, None
        if batch is not None:
            self._wait_out(lambda: self._write(batch), DATABASE)
            self._log.add("early-offsets", "stored", *_ids(batch))


def _ids(batch: Batch) -> list[str]:
    return [str(UUID(bytes=id_of(row))) for table in batch.tables for row in table.rows]


def _some_of(table: Rows, picked: Callable[[], bool]) -> Rows:
    found = [pair for pair in zip(table.rows, table.messages, strict=True) if picked()]
    return Rows(table.entity, [row for row, _ in found], [message for _, message in found])


def main() -> int:
    """Move records until SIGTERM or SIGINT; return the exit code."""
    vars(real)["Sink"] = MisbehavingSink
    try:
        return real.main()
    except UnknownFault as error:
        print(f"sink: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
