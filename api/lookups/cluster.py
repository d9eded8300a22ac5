"""The second level as a cluster: each node's share of the keys fails by itself, and the others go on.

The library's own client of clusters fails for all keys where the one node is away that it has chosen to begin with. So
here is a client of one server for each node, and who holds which slots is asked of any that answers.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from bisect import bisect_right
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.crc import key_slot

from api.lookups.shared import KEYS_A_SCAN, MOST_SCANS, client_of
from api.problems import Unavailable
from api.settings import Settings
from contract.cache_client import CACHE_DOWN, server_urls

log = logging.getLogger(__name__)
Node = str
"""Host and port."""
_NOBODY: Node = ""
"""In a node's place, where none says who holds what."""
_Work = Callable[[Node, Sequence[str]], Awaitable[None]]


class ClusterCache:
    """A Valkey cluster with a circuit breaker for each node.

    A node that is away costs one time-out in a while, and the lookups of its own keys go to the database; without a
    majority of the nodes all of them do.
    """

    def __init__(self, url: str, settings: Settings) -> None:
        """*url* names some of the nodes, see `contract.cache_client`; nothing connects yet."""
        self._settings = settings
        self._urls = server_urls(url)
        self._clients = {urlsplit(one).netloc.rpartition("@")[2]: client_of(one, settings) for one in self._urls}
        self._begins: list[int] = []
        self._holders: list[Node] = []
        """Who holds the slots from there on."""
        self._stale = True
        """Whether others may hold by now what is noted here."""
        self._asking = asyncio.Lock()
        self._closed_until_s: dict[Node, float] = {}
        self.failures = 0
        self.skipped = 0

    async def get(self, keys: Sequence[str]) -> dict[str, bytes]:
        """Ask the nodes that hold *keys*, but for those that have just failed."""
        found: dict[str, bytes] = {}

        async def ask(node: Node, mine: Sequence[str]) -> None:
            pipeline = self._clients[node].pipeline(transaction=False)
            for key in mine:
                pipeline.get(key)
            bodies = await self._executed(pipeline, node)
            found.update({key: body for key, body in zip(mine, bodies, strict=False) if body is not None})

        await self._of_nodes(keys, ask)
        return found

    async def some(self, prefix: str, count: int) -> dict[str, bytes]:
        """Look through a part of each node that answers."""
        if not await self._knows():
            return {}
        keys: list[str] = []
        nodes = sorted(set(self._holders))
        for node in nodes:
            if not self._is_paused(node):
                keys += await self._keys_of(node, prefix, count // len(nodes) + 1)
        return await self.get(keys[:count]) if keys else {}

    async def put(self, bodies: Mapping[str, bytes], ttl_s: float | None = None) -> None:
        """Store *bodies* at the nodes that hold their keys, but for those that have just failed."""
        ttl_ms = (self._settings.cache_ttl_s if ttl_s is None else ttl_s) * 1000
        jitter = self._settings.ttl_jitter

        async def store(node: Node, mine: Sequence[str]) -> None:
            pipeline = self._clients[node].pipeline(transaction=False)
            for key in mine:
                pipeline.set(key, bodies[key], px=max(1, int(ttl_ms * (1 - jitter * random.random()))))
            await self._executed(pipeline, node)

        await self._of_nodes(list(bodies), store)

    async def forget(self, keys: Sequence[str]) -> None:
        """Delete *keys* from the nodes that hold them, but for those that have just failed."""

        async def delete(node: Node, mine: Sequence[str]) -> None:
            pipeline = self._clients[node].pipeline(transaction=False)
            for key in mine:
                pipeline.delete(key)
            await self._executed(pipeline, node)

        await self._of_nodes(keys, delete)

    async def check(self) -> None:
        """Ping all nodes; raises `Unavailable` where no majority of them answers."""
        if not await self._knows():
            raise Unavailable("no node of Valkey answers")
        nodes = sorted(set(self._holders))
        answers = await asyncio.gather(*(self._answers(node) for node in nodes))
        if 2 * sum(answers) <= len(nodes):
            raise Unavailable(f"{sum(answers)} of Valkey's {len(nodes)} nodes answer, which is no majority")

    async def close(self) -> None:
        """Close the connections."""
        for client in self._clients.values():
            await client.aclose(close_connection_pool=True)

    async def _answers(self, node: Node) -> bool:
        try:
            await self._clients[node].ping()
        except CACHE_DOWN:
            return False
        self._closed_until_s.pop(node, None)
        return True

    async def _of_nodes(self, keys: Sequence[str], work: _Work) -> None:
        """Have *work* done with the keys of each node that may be asked, all of them at once."""
        if not keys or not await self._knows():
            return
        shares: dict[Node, list[str]] = {}
        for key in keys:
            place = bisect_right(self._begins, key_slot(key.encode())) - 1
            shares.setdefault(self._holders[max(0, place)], []).append(key)
        open_to = [(node, mine) for node, mine in shares.items() if not self._is_paused(node)]
        await asyncio.gather(*(work(node, mine) for node, mine in open_to))

    async def _knows(self) -> bool:
        """Tell whether it is known who holds which slots, however old that is; asks, if there is a reason to."""
        if self._stale and not self._is_paused(_NOBODY):
            async with self._asking:
                if self._stale:
                    await self._learn()
        return bool(self._holders)

    async def _learn(self) -> None:
        """Ask one node after the other who holds what, until one answers."""
        error: Exception | None = None
        for client in random.sample(list(self._clients.values()), len(self._clients)):
            try:
                slots: Any = await client.execute_command("CLUSTER SLOTS")  # type: ignore[no-untyped-call]  # the library's
            except CACHE_DOWN as failed:
                error = failed
                continue
            held = sorted((int(first), f"{_text(host)}:{port}") for first, _, (host, port, *_), *_ in slots)
            for _, node in held:
                if node not in self._clients:
                    self._clients[node] = self._client(node)
            self._begins, self._holders = [first for first, _ in held], [node for _, node in held]
            self._stale = False
            return
        if error is not None:
            self._note_failure(_NOBODY, error)

    def _client(self, node: Node) -> Redis:
        parts = urlsplit(self._urls[0])
        user, at, _ = parts.netloc.rpartition("@")
        return client_of(parts._replace(netloc=f"{user}{at}{node}").geturl(), self._settings)

    async def _keys_of(self, node: Node, prefix: str, count: int) -> list[str]:
        """Return about *count* keys of a node that begin with *prefix*; none where it does not answer."""
        keys: list[str] = []
        cursor = 0
        try:
            for _ in range(MOST_SCANS):
                cursor, found = await self._clients[node].scan(cursor, match=f"{prefix}*", count=KEYS_A_SCAN)
                keys += map(_text, found)
                if not cursor or len(keys) >= count:
                    break
        except CACHE_DOWN as error:
            self._note_failure(node, error)
        return keys

    async def _executed(self, pipeline: Any, node: Node) -> list[Any]:
        """Return the answers to *pipeline*, or nothing where its node does not answer."""
        try:
            answers: list[Any] = await pipeline.execute()
        except CACHE_DOWN as error:
            self._note_failure(node, error)
            return []
        return answers

    def _is_paused(self, node: Node) -> bool:
        until_s = self._closed_until_s.get(node)
        if until_s is None:
            return False
        if time.monotonic() < until_s:
            self.skipped += 1
            return True
        del self._closed_until_s[node]
        return False

    def _note_failure(self, node: Node, error: Exception) -> None:
        self.failures += 1
        self._stale = True
        pause_s = self._settings.cache_pause_s
        if node not in self._closed_until_s:  # of many that fail at once, one speaks
            log.warning("cache %s: %s; its lookups go to the database for %.1f s", node, type(error).__name__, pause_s)
        self._closed_until_s[node] = time.monotonic() + pause_s


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
