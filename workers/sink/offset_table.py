"""Offsets that the database keeps, written in the transaction of the rows before them.

A sink may move a partition's offset on from where its own batch begins, and from nowhere else. So one that believes a
partition its own after another one has taken over is stopped by the database itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import psycopg
from psycopg import sql

from contract.journal import Span
from contract.tables import sink_offsets

_WITHIN_S = 5


def moved(group: str, spans: Sequence[Span]) -> sql.Composed:
    """Return the statement that moves the *group*'s offsets behind *spans*, which are sorted and at least one.

    It breaks a rule of the table, see `is_fence`, where an offset is not where the spans begin. One that is behind them
    already stays: the outcome of the first try was not known, and it is this one.
    """
    rows = [
        sql.SQL("({})").format(sql.SQL(", ").join(map(sql.Literal, (group, *pair, *ends))))
        for pair, ends in ends_of(spans).items()
    ]
    return _MOVE.format(rows=sql.SQL(", ").join(rows))


def ends_of(spans: Sequence[Span]) -> dict[tuple[str, int], tuple[int, int]]:
    """Return where *spans* begin in each topic and partition, and the offset behind them."""
    parts: dict[tuple[str, int], tuple[int, int]] = {}
    for span in spans:
        begin, _ = parts.get((span.topic, span.partition), (span.first, 0))
        parts[span.topic, span.partition] = (begin, span.last + 1)
    return parts


def is_fence(error: psycopg.Error) -> bool:
    """Tell whether the database refused to move an offset that another sink has moved."""
    return error.diag.table_name == sink_offsets.name


def kept_offsets(url: str, group: str, pairs: Iterable[tuple[str, int]]) -> dict[tuple[str, int], int]:
    """Return where the *group* goes on in each of these topics and partitions, of those that the table knows.

    Over a connection of its own, since a batch may be under way on the writer's. Raises `psycopg.Error`.
    """
    wanted = set(pairs)
    with psycopg.connect(url, connect_timeout=_WITHIN_S, options=f"-c statement_timeout={_WITHIN_S}s") as connection:
        found = connection.execute(_LOOK, (group,)).fetchall()
    return {(topic, partition): offset for topic, partition, offset in found if (topic, partition) in wanted}


_LOOK = "SELECT topic, partition, next_offset FROM sink_offsets WHERE sink_group = %s"
_MOVE = sql.SQL(
    "INSERT INTO sink_offsets AS kept (sink_group, topic, partition, batch_offset, next_offset) VALUES {rows}"
    " ON CONFLICT (sink_group, topic, partition) DO UPDATE SET batch_offset = EXCLUDED.batch_offset, next_offset ="
    " CASE WHEN kept.next_offset <= EXCLUDED.batch_offset OR kept.next_offset = EXCLUDED.next_offset"
    " THEN EXCLUDED.next_offset END"
)
