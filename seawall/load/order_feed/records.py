"""The records of a feed: contents drawn from its seed, as those of all loads, with event times of their own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from contract.entities import ENTITIES
from contract.samples import sample_fields
from seawall.load.payloads import POOL_SIZE

ORDERS = ENTITIES["orders"]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def contents(seed: int) -> list[dict[str, Any]]:
    """Return the pool of contents; record number *n* carries that of ``n % len(pool)``."""
    return sample_fields(ORDERS, seed, POOL_SIZE)


def moment(event_us: int) -> datetime:
    """Return an event time."""
    return _EPOCH + timedelta(microseconds=event_us)


def fields_of(pool: list[dict[str, Any]], index: int, event_us: int) -> dict[str, Any]:
    """Return all fields of record number *index* but its id."""
    return {**pool[index % len(pool)], "placed_at": moment(event_us)}
