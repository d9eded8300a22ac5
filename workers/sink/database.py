"""What the sink asks of a database; what differs between databases stands behind this and nowhere else in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from contract.connections import MARIADB, Connections
from workers.sink.batches import Batch, DeadLetter, RowFormat
from workers.sink.settings import Settings


class Fenced(Exception):
    """Another sink has taken over a partition of the batch, which is not stored."""


class Outcome(NamedTuple):
    """What one committed batch came to."""

    stored: int
    duplicates: int
    letters: Sequence[DeadLetter]
    transactions: tuple[int, ...] = ()
    """How many records each transaction held, where there were several."""


class BatchWriter(Protocol):
    """What a sink writes batches with."""

    errors: tuple[type[Exception], ...]
    """What the work with the database raises where that is at fault."""

    def begin(self, batch: Batch) -> None:
        """Send as much of *batch* as is possible without waiting; `write` has to come next."""
        ...

    def write(self, batch: Batch) -> Outcome:
        """Commit *batch*; raises `errors`, `Fenced`."""
        ...

    def refusal(self, error: Exception) -> str:
        """Return why the database refuses the values themselves, now and for ever; empty where it does not."""
        ...

    def close(self) -> None:
        """Close all connections."""
        ...


class Database(Protocol):
    """Where the rows go."""

    errors: tuple[type[Exception], ...]
    formats: Mapping[str, RowFormat]
    """By the names of entities."""

    def writer(self, settings: Settings) -> BatchWriter:
        """Return what writes over one connection, which is opened when it is needed."""
        ...

    def kept_offsets(self, group: str, pairs: Iterable[tuple[str, int]]) -> dict[tuple[str, int], int]:
        """Return where the *group* goes on in each of these topics and partitions, of those that the table knows.

        Over a connection of its own, since a batch may be under way on the writer's. Raises `errors`.
        """
        ...


def database_of(connections: Connections) -> Database:
    """Return the database that *connections* name; raises `BadConnection` where they name none."""
    # loaded once it is known which: each brings its own driver
    if connections.database == MARIADB:
        from workers.sink.mariadb import MariaDB  # noqa: PLC0415

        return MariaDB(connections.plain_database_url)
    from workers.sink.postgresql import PostgreSQL  # noqa: PLC0415

    return PostgreSQL(connections.psycopg_url)
