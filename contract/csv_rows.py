"""Rows of imported CSV files: which columns they need, what fits, how they are named, and how the log carries them.

A row is named by its file and its line, so importing a file again stores nothing twice, whoever does it and by which
way. Its id has the form of `contract.ids`: 86 bits of the SHA-256 of the file's bytes stand where a record of a run has
run and user, the line where the record begins stands where that has its sequence, and the entity is `NUMBER`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, NamedTuple
from uuid import UUID

import msgspec

from contract.entities import User, field_type
from contract.ids import ENTITY_BITS, SEQUENCE_BITS, USER_BITS, Run, mint, split
from contract.topics import PREFIX

NUMBER = 15
"""The entity in the ids of imported rows; no record of `contract.entities` has it."""
NAME, AGE = "name", "age"
"""The columns that a file must have; what else it has is kept as it stands, under its column's name."""
_NAME_LIMITS, _AGE_LIMITS = field_type(User, NAME)[1], field_type(User, AGE)[1]
MOST_NAME, MOST_AGE = int(_NAME_LIMITS.max_length or 0), int(_AGE_LIMITS.le or 0)
"""What a user's name and age may be, too: characters, and years."""
MOST_TEXT = 4_000
"""Characters in any other column."""
MOST_LINE = (1 << SEQUENCE_BITS) - 1
TOPIC = PREFIX + "csv-rows"
GROUP = "seawall-csv"
WAYS = ("direct", "kafka")
"""How rows come into the table: by whoever reads the file, or through the log."""
LINE_SHIFT = USER_BITS + ENTITY_BITS
"""Where the line stands in the lower 64 bits of an id."""
_READ_BYTES = 1 << 20


class CsvRow(msgspec.Struct, frozen=True):
    """A row as the log carries it; its id is the message's key, 16 bytes."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=MOST_NAME)]
    age: Annotated[int, msgspec.Meta(ge=0, le=MOST_AGE)]
    more: msgspec.Raw
    """A JSON object: the other columns, all of them texts."""


class FileIdentity(NamedTuple):
    """What all rows of one file share."""

    run: Run
    user: int

    @classmethod
    def of_digest(cls, digest: bytes) -> FileIdentity:
        """Return that of the file whose SHA-256 is *digest*."""
        bits = int.from_bytes(digest, "big")
        user, bits = bits & ((1 << USER_BITS) - 1), bits >> USER_BITS
        return cls(Run((bits >> 12) & ((1 << 48) - 1), bits & 0xFFF), user)

    @property
    def file(self) -> UUID:
        """The file's own id: that of a row before its first line."""
        return self.row(0)

    @property
    def last(self) -> UUID:
        """No row of the file has a higher id."""
        return self.row(MOST_LINE)

    def row(self, line: int) -> UUID:
        """Return the id of the row that begins at *line*; the file's first has the number 1."""
        return mint(self.run, line, self.user, NUMBER)


def line_of(identity: UUID) -> int:
    """Return the line at which the row of that id begins."""
    return split(identity).sequence


def identify(path: Path, on_bytes: Callable[[int], None] = lambda _: None) -> FileIdentity:
    """Read the file once and return its identity; *on_bytes* hears how much was read. Raises `OSError`."""
    digest, done = hashlib.sha256(), 0
    with path.open("rb") as file:
        while piece := file.read(_READ_BYTES):
            digest.update(piece)
            done += len(piece)
            on_bytes(done)
    return FileIdentity.of_digest(digest.digest())
