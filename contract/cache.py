"""Keys and the announcement channel of the shared cache (Valkey)."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

INVALIDATION_CHANNEL = "seawall:invalidate"
"""Every API process listens here: a message is a cache key to forget, or `EVERYTHING`."""

EVERYTHING = "*"


class Kind(Protocol):
    """What is cached, an entity's records or the answers to one question: a name and nothing else."""

    @property
    def name(self) -> str:
        """A word that no other kind has."""
        ...


def key_prefix(kind: Kind) -> str:
    """Return what all keys of this kind begin with, and no other key does."""
    return f"seawall:{kind.name}:"


def cache_key(kind: Kind, asked: UUID | int) -> str:
    """Return the key under which the record with this id, or the answer to what was *asked*, is cached."""
    return f"seawall:{kind.name}:{asked!s}"  # formatting a UUID as text costs more than its text
