"""What a feed sends, decoded as far as the instrument looks at it."""

from __future__ import annotations

from uuid import UUID

import msgspec


class Identified(msgspec.Struct):
    """A record, of which only the id matters here."""

    id: UUID


class FeedRecord(msgspec.Struct):
    """A record, and where it lies in the log; below 0 where the feed has none."""

    entity: str
    record: Identified
    partition: int = -1
    offset: int = -1


class FeedFrame(msgspec.Struct):
    """Records that arrived at once, and the id with which to go on behind them."""

    published_ns: int
    """When the feed handed them out, wall clock."""
    records: list[FeedRecord]
    id: str = ""


decode = msgspec.json.Decoder(FeedFrame).decode
"""Raises `msgspec.DecodeError` or `msgspec.ValidationError` for what is none."""
