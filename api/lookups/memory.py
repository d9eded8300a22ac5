"""The first level: a bounded cache in the process."""

from __future__ import annotations

import random
import time
from collections import OrderedDict
from hashlib import blake2b
from typing import NamedTuple


class Found(NamedTuple):
    """A record as JSON, and its entity tag."""

    body: bytes
    etag: bytes

    @classmethod
    def of(cls, body: bytes) -> Found:
        """Return *body* with a strong tag, the same in every process."""
        return cls(body, b'"%s"' % blake2b(body, digest_size=12).hexdigest().encode())


class Entry(NamedTuple):
    """What is known about one key; `found` is None where no record exists."""

    found: Found | None
    expires_s: float


class Memory:
    """Least recently used entries leave first; each lives for its own time."""

    def __init__(self, *, entries: int, ttl_s: float, negative_ttl_s: float, jitter: float) -> None:
        self._limit = entries
        self._ttl_s = ttl_s
        self._negative_ttl_s = negative_ttl_s
        self._jitter = jitter
        self._entries: OrderedDict[str, Entry] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: str) -> Entry | None:
        """Return what is known about *key*, or None."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry.expires_s <= time.monotonic():
            del self._entries[key]
            return None
        self._entries.move_to_end(key)
        return entry

    def put(self, key: str, found: Found | None, ttl_s: float | None = None) -> None:
        """Remember *found* under *key*, for *ttl_s* where it is not a record."""
        if found is None:
            ttl_s = self._negative_ttl_s
        elif ttl_s is None:
            ttl_s = self._ttl_s
        ttl_s *= 1 - self._jitter * random.random()
        self._entries[key] = Entry(found, time.monotonic() + ttl_s)
        self._entries.move_to_end(key)
        if len(self._entries) > self._limit:
            self._entries.popitem(last=False)

    def forget(self, key: str) -> None:
        """Forget *key*."""
        self._entries.pop(key, None)

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
