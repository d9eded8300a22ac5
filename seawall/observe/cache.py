"""What Valkey says of itself."""

from __future__ import annotations

from typing import Any

import msgspec
import redis


class CacheCounts(msgspec.Struct, kw_only=True, frozen=True):
    """Counts since the server's start, and figures of now."""

    keys: int
    """Now, of all databases."""
    memory_bytes: int
    """Now."""
    hits: int
    misses: int
    evicted: int
    expired: int
    commands: int
    clients: int
    """Now."""


class Cache:
    """A client that answers once or raises."""

    def __init__(self, url: str) -> None:
        self._client = redis.Redis.from_url(url, socket_timeout=3, socket_connect_timeout=3)

    def counts(self) -> CacheCounts:
        """Return what the server says now; raises `redis.RedisError`."""
        found: dict[str, Any] = self._client.info()
        return CacheCounts(
            keys=sum(one["keys"] for name, one in found.items() if name.startswith("db") and isinstance(one, dict)),
            memory_bytes=found["used_memory"],
            hits=found["keyspace_hits"],
            misses=found["keyspace_misses"],
            evicted=found["evicted_keys"],
            expired=found["expired_keys"],
            commands=found["total_commands_processed"],
            clients=found["connected_clients"],
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
