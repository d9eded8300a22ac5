"""Keys and the announcement channel of the shared cache (Valkey)."""

from __future__ import annotations

from uuid import UUID

from contract.entities import Entity

INVALIDATION_CHANNEL = "seawall:invalidate"
"""Every API process listens here: a message is a cache key to forget, or `EVERYTHING`."""

EVERYTHING = "*"


def cache_key(entity: Entity, identity: UUID) -> str:
    """Return the key under which the record with this id is cached."""
    return f"seawall:{entity.name}:{identity}"
