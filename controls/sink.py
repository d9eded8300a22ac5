"""``python -m controls.sink``: the real sink with one planted fault, see `controls.faults`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from confluent_kafka import Message

from contract.registry import Registry
from controls.faults import SINK_FAULTS, Choice, DeedLog, OneIn, UnknownFault
from controls.twice import KeylessWriter, keyless_writer
from workers.sink import __main__ as real
from workers.sink.batches import Batch, Rows
from workers.sink.consumer import Sink
from workers.sink.counts import DATABASE
from workers.sink.database import Database, Outcome
from workers.sink.settings import Settings


class RepeatingWriter:
    """Stores one record in so many twice, while that is the planted fault; the tables lose their primary keys by it.

    They do not get them back: what comes after needs another stack.
    """

    def __init__(self, writer: KeylessWriter, choice: Choice, log: DeedLog) -> None:
        self._writer, self._choice, self._log = writer, choice, log
        self.errors, self.refusal, self.close = writer.errors, writer.refusal, writer.close
        self._one_in = OneIn()
        self._keys_dropped = False

    def begin(self, batch: Batch) -> None:
        """Send nothing before `write`, which may have to do something else first."""

    def write(self, batch: Batch) -> Outcome:
        """Commit *batch*, and some of it again."""
        fault = self._choice.current()
        if fault.name == "store-twice" and not self._keys_dropped:
            self._writer.drop_keys()
            self._keys_dropped = True
        outcome = self._writer.write(batch)
        if fault.name == "store-twice":
            chosen = [_some_of(table, lambda: self._one_in.picks(fault.amount)) for table in batch.tables]
            again = Batch([table for table in chosen if table.rows], [], [])
            if again.size:
                self._writer.store_again(again)
                self._log.add("store-twice", "repeated", *self._writer.ids(again))
        return outcome


class MisbehavingSink(Sink):
    """The real sink, except that it may commit offsets before their rows."""

    def __init__(
        self, connection: dict[str, Any], database: Database, settings: Settings, registry: Registry | None = None
    ) -> None:
        super().__init__(connection, database, settings, registry)
        self._choice, self._log = Choice(SINK_FAULTS), DeedLog(settings.sink_name)
        writer = keyless_writer(database, settings)
        self._ids = writer.ids
        self._writer = RepeatingWriter(writer, self._choice, self._log)
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
        self._log.add("early-offsets", "committed", *self._ids(batch))
        self._commits.stored(batch.spans)
        self._store_kept()
        self._kept = batch

    def _store_kept(self) -> None:
        batch, self._kept = self._kept, None
        if batch is not None:
            self._wait_out(lambda: self._write(batch), DATABASE)
            self._log.add("early-offsets", "stored", *self._ids(batch))


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
