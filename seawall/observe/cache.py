"""What Valkey says of itself."""

from __future__ import annotations

from typing import Any

import msgspec
import redis

from contract.cache_client import server_urls


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
        urls = server_urls(url)
        self._clients = [redis.Redis.from_url(one, socket_timeout=3, socket_connect_timeout=3) for one in urls]

    def counts(self) -> CacheCounts:
        """Return what the server says now, or all nodes of a cluster together; raises `redis.RedisError`.

        Of a cluster those nodes are left out that do not answer, unless none does.
        """
        found, failed = [], None
        for client in self._clients:
            try:
                found.append(_counts(client.info()))
            except redis.RedisError as error:
                failed = error
        if failed is not None and not found:
            raise failed
        return CacheCounts(**{name: sum(getattr(one, name) for one in found) for name in CacheCounts.__struct_fields__})

    def close(self) -> None:
        """Close the connections."""
        for client in self._clients:
            client.close()


def _counts(found: Any) -> CacheCounts:
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
