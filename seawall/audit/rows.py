"""What a run left in the tables: ids, and a digest of the fields of each row; which database it is does not matter."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from contract.connections import MARIADB, Connections
from contract.entities import Entity
from contract.ids import Run
from contract.samples import AS_DRAWN, Shape, sample_fields
from seawall.audit.ledger import Int64s, UInt64s
from seawall.audit.membership import is_sorted
from seawall.load.payloads import POOL_SIZE

_ID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Rows:
    """The rows of one run in one table, shape ``(rows,)`` each, sorted by *low*."""

    low: UInt64s
    digest: Int64s

    @classmethod
    def sorted(cls, low: UInt64s, digest: Int64s) -> Self:
        """Return those rows, which may come in any order."""
        if is_sorted(low):
            return cls(low, digest)
        order = np.argsort(low, kind="stable")
        return cls(low[order], digest[order])


@dataclass(frozen=True)
class DeadLetters:
    """The dead letters of one run from one topic, shape ``(letters,)`` each: whose they are, and where they lay."""

    low: UInt64s
    partition: npt.NDArray[np.int32]
    offset: Int64s

    @classmethod
    def of(cls, letters: Iterable[tuple[str, int, int]]) -> Self:
        """Return those whose keys are ids, each told as key, partition and offset."""
        usable = [letter for letter in letters if _ID.fullmatch(letter[0])]
        return cls(
            np.array([int(key.replace("-", "")[16:], 16) for key, _, _ in usable], dtype=np.uint64),
            np.array([partition for _, partition, _ in usable], dtype=np.int32),
            np.array([offset for _, _, offset in usable], dtype=np.int64),
        )


class RowReader(ABC):
    """Reads rows through a connection of its own; keep it over trials, expected digests are cached.

    Every method raises `AuditFailed` where the database does not answer.
    """

    def __init__(self) -> None:
        self._expected: dict[tuple[str, int, Shape], Int64s] = {}

    @abstractmethod
    def close(self) -> None:
        """Close the connection."""

    @abstractmethod
    def refresh(self) -> None:
        """Connect again where the database has dropped the connection since it was last used."""

    @abstractmethod
    def rows(self, entity: Entity, run: Run) -> Rows:
        """Return all rows of *run* in the table of *entity*."""

    @abstractmethod
    def dead_letters(self, topic: str, run: Run) -> DeadLetters:
        """Return the run's records in the table of dead letters, with the places that they say to come from."""

    @abstractmethod
    def digests_of(self, entity: Entity, contents: Iterable[Mapping[str, Any]]) -> Int64s:
        """Return the digest of each of *contents*, fields by name, shape ``(contents,)``, as the database computes it.

        The values are given to it by this reader and not by the service.
        """

    def dead_lettered(self, topic: str, run: Run) -> UInt64s:
        """Return the ids (lower bits) of the run's records in the table of dead letters, sorted."""
        return np.unique(self.dead_letters(topic, run).low)

    def expected_digests(self, entity: Entity, seed: int, shape: Shape = AS_DRAWN) -> Int64s:
        """Return the digest of each content of the payload pool, shape ``(POOL_SIZE,)``, as `digests_of` does."""
        key = (entity.name, seed, shape)
        if key not in self._expected:
            self._expected[key] = self.digests_of(entity, sample_fields(entity, seed, POOL_SIZE, shape))
        return self._expected[key]


def row_reader(connections: Connections) -> RowReader:
    """Return the reader of the database that *connections* name; raises `AuditFailed`, and `BadConnection` for none."""
    # loaded once it is known which: each brings its own driver
    if connections.database == MARIADB:
        from seawall.audit.rows_mariadb import MariaDbRows  # noqa: PLC0415

        return MariaDbRows(connections.plain_database_url)
    from seawall.audit.rows_postgresql import PostgresRows  # noqa: PLC0415

    return PostgresRows(connections.psycopg_url)


def uuid_text(high: int, low: int) -> str:
    """Return the UUID of these bits as text."""
    text = f"{high:016x}{low:016x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
