"""The SQL tables, derived from the entities."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa

from contract import columns
from contract.csv_rows import MOST_NAME
from contract.entities import ENTITIES, Entity, field_type

metadata = sa.MetaData()


def _column(entity: Entity, name: str) -> sa.Column[object]:
    kind, limits = field_type(entity.record, name)
    return sa.Column(name, _sql_type(kind, limits), primary_key=name == "id", nullable=False)


def _sql_type(kind: type, limits: msgspec.Meta) -> sa.types.TypeEngine[Any]:
    if kind is UUID:
        return columns.identity()
    if kind is int:
        return sa.BigInteger() if (limits.le or 2**63) >= 2**31 else sa.Integer()
    if kind is datetime:
        return columns.moment()
    if kind is str:
        return sa.String(limits.max_length)
    raise TypeError(f"no SQL type is known for {kind}")


def table_of(entity: Entity) -> sa.Table:
    """Return the table of *entity*: its fields as columns, in their order, and nothing else."""
    if entity.name in metadata.tables:
        return metadata.tables[entity.name]
    return sa.Table(entity.name, metadata, *(_column(entity, name) for name in entity.fields))


TABLES: dict[str, sa.Table] = {name: table_of(entity) for name, entity in ENTITIES.items()}

sa.Index("orders_user_placed", TABLES["orders"].c.user_id, TABLES["orders"].c.placed_at)

dead_letters = sa.Table(
    "dead_letters",
    metadata,
    sa.Column("topic", sa.String(249), primary_key=True),
    sa.Column("partition", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("offset", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("key", columns.content()),
    sa.Column("value", columns.content()),
    sa.Column("reason", sa.String(500), nullable=False),
    sa.Column("buried_at", columns.moment(), nullable=False),
)
"""What can never be written, once for each message, with the reason."""

sink_offsets = sa.Table(
    "sink_offsets",
    metadata,
    sa.Column("sink_group", sa.String(200), primary_key=True),
    sa.Column("topic", sa.String(249), primary_key=True),
    sa.Column("partition", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("batch_offset", sa.BigInteger, nullable=False),
    sa.Column("next_offset", sa.BigInteger, nullable=False),
)
"""Where each group of sinks goes on, if it keeps its offsets here; the first number is where its last batch began."""

user_grades = sa.Table(
    "user_grades",
    metadata,
    sa.Column("user_id", columns.identity(), primary_key=True),
    sa.Column("grade", sa.String(10), nullable=False),
    sa.Column("orders", sa.Integer, nullable=False),
    sa.Column("buyer", sa.Boolean, nullable=False),
    sa.Column("draw", sa.Double, nullable=False),
    sa.Column("graded_at", columns.moment(), nullable=False),
    sa.Index("user_grades_draw", "draw"),
    sa.Index("user_grades_buyer_draw", "buyer", "draw"),
)
"""What a batch computes of each user from their orders; ``draw`` is a random number from 0 to 1, by whose index any
number of users can be drawn at random without reading all of them."""

review_results = sa.Table(
    "review_results",
    metadata,
    sa.Column("id", columns.identity(), primary_key=True),
    sa.Column("job_id", columns.identity(), nullable=False),
    sa.Column("sentiment", sa.String(20)),
    sa.Column("score", sa.Double),
    sa.Column("reason", sa.String(500)),
    sa.Column("model", sa.String(200), nullable=False),
    sa.Column("judged_at", columns.moment(), nullable=False),
    sa.Index("review_results_job", "job_id"),
)
"""What a model said of each review, once: a sentiment and a score from -1 to 1, or else the reason why there is none,
which was published as a dead letter before. The key keeps a review from having both."""

csv_rows = sa.Table(
    "csv_rows",
    metadata,
    sa.Column("id", columns.identity(), primary_key=True),
    sa.Column("name", sa.String(MOST_NAME), nullable=False),
    sa.Column("age", sa.Integer, nullable=False),
    sa.Column("more", sa.JSON, nullable=False),
)
"""What was imported from CSV files (`contract.csv_rows`); it is the user's, so no fresh state empties it."""

csv_imports = sa.Table(
    "csv_imports",
    metadata,
    sa.Column("file", columns.identity(), primary_key=True),
    sa.Column("way", sa.String(10), primary_key=True),
    sa.Column("read_as", sa.String(100), nullable=False),
    sa.Column("offset", sa.BigInteger, nullable=False),
    sa.Column("offset_line", sa.BigInteger, nullable=False),
    sa.Column("line", sa.BigInteger, nullable=False),
    sa.Column("good", sa.BigInteger, nullable=False),
    sa.Column("bad", sa.BigInteger, nullable=False),
    sa.Column("rejects", sa.String(4096), nullable=False),
    sa.Column("rejects_bytes", sa.BigInteger, nullable=False),
    sa.Column("finished", sa.Boolean, nullable=False),
    sa.Column("noted_at", columns.moment(), nullable=False),
)
"""How far each import of a file is: the line at which it goes on, which lies in the piece of the file that begins at
byte ``offset`` and line ``offset_line``, and how much of its reject file belongs to that."""
