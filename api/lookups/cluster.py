"""The second level as a cluster: each node's share of the keys fails by itself, and the others go on.

The library's own client of clusters fails for all keys where the one node is away that it has chosen to begin with. So
here is a cache of one server for each node, and who holds which slots is asked of any that answers.
"""

from __future__ import annotations

import asyncio
import random
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.crc import key_slot

from api.lookups.shared import ValkeyCache, client_of
from api.problems import Unavailable
from api.settings import Settings
from contract.cache_client import CACHE_DOWN, server_urls

_Address = str
"""Host and port."""


class NodeCache(ValkeyCache):
    """One node: keys of several slots go by themselves, since no command may name more than one slot's."""

    async def slots(self) -> list[tuple[int, _Address]] | None:
        """Return from which slot on who holds them, in order; None where it does not answer, or just did not."""
        if self._is_paused():
            return None
        try:
            found: Any = await self._client.execute_command("CLUSTER SLOTS")  # type: ignore[no-untyped-call]  # the library's
        except CACHE_DOWN as error:
            self._note_failure(error)
            return None
        return sorted((int(first), f"{_text(host)}:{port}") for first, _, (host, port, *_), *_ in found)

    async def _bodies(self, keys: Sequence[str]) -> list[bytes | None]:
        pipeline = self._client.pipeline(transaction=False)
        for key in keys:
            pipeline.get(key)
        return await pipeline.execute()

    async def _delete(self, keys: Sequence[str]) -> None:
        pipeline = self._client.pipeline(transaction=False)
        for key in keys:
            pipeline.delete(key)
        await pipeline.execute()


class ClusterCache:
    """A Valkey cluster with a circuit breaker for each node.

    A node that is away costs one time-out in a while, and the lookups of its own keys go to the database; without a
    majority of the nodes all of them do.
    """

    def __init__(self, url: str, settings: Settings) -> None:
        """*url* names some of the nodes, see `contract.cache_client`; nothing connects yet."""
        self._settings = settings
        self._urls = server_urls(url)
        self._nodes = {_address_of(one): self._node(one) for one in self._urls}
        self._begins: list[int] = []
        self._holders: list[_Address] = []
        """Who holds the slots from there on."""
        self._failures = -1
        """How often nodes had failed when that was learnt: once more, and others may hold them."""
        self._asking = asyncio.Lock()

    @property
    def failures(self) -> int:
        """How often a node did not answer."""
        return sum(node.failures for node in self._nodes.values())

    @property
    def skipped(self) -> int:
        """How often a node was not even asked, because it had just failed."""
        return sum(node.skipped for node in self._nodes.values())

    async def get(self, keys: Sequence[str]) -> dict[str, bytes]:
        """Ask the nodes that hold *keys*, but for those that have just failed."""
        shares = await self._shares(keys)
        answers = await asyncio.gather(*(node.get(mine) for node, mine in shares))
        return {key: body for answer in answers for key, body in answer.items()}

    async def some(self, prefix: str, count: int) -> dict[str, bytes]:
        """Look through a part of each node that answers."""
        nodes = await self._known()
        found: dict[str, bytes] = {}
        for node in nodes:
            found |= await node.some(prefix, count // len(nodes) + 1)
        return dict(list(found.items())[:count])

    async def put(self, bodies: Mapping[str, bytes], ttl_s: float | None = None) -> None:
        """Store *bodies* at the nodes that hold their keys, but for those that have just failed."""
        shares = await self._shares(list(bodies))
        await asyncio.gather(*(node.put({key: bodies[key] for key in mine}, ttl_s) for node, mine in shares))

    async def forget(self, keys: Sequence[str]) -> None:
        """Delete *keys* from the nodes that hold them, but for those that have just failed."""
        await asyncio.gather(*(node.forget(mine) for node, mine in await self._shares(keys)))

    async def check(self) -> None:
        """Ping all nodes; raises `Unavailable` where no majority of them answers."""
        nodes = await self._known()
        if not nodes:
            raise Unavailable("no node of Valkey answers")
        answers = await asyncio.gather(*(node.check() for node in nodes), return_exceptions=True)
        count = sum(answer is None for answer in answers)
        if 2 * count <= len(nodes):
            raise Unavailable(f"{count} of Valkey's {len(nodes)} nodes answer, which is no majority")

    async def close(self) -> None:
        """Close the connections."""
        for node in self._nodes.values():
            await node.close()

    async def _shares(self, keys: Sequence[str]) -> list[tuple[NodeCache, list[str]]]:
        """Return each node with those of *keys* that it holds; nothing where nobody says who holds what."""
        if not keys or not await self._known():
            return []
        shares: dict[_Address, list[str]] = {}
        for key in keys:
            place = bisect_right(self._begins, key_slot(key.encode())) - 1
            shares.setdefault(self._holders[max(0, place)], []).append(key)
        return [(self._nodes[address], mine) for address, mine in shares.items()]

    async def _known(self) -> list[NodeCache]:
        """Return the nodes that hold slots, by what was learnt last; asks, if there is a reason to."""
        if self._failures != self.failures:
            async with self._asking:
                if self._failures != self.failures:
                    await self._learn()
        return [self._nodes[address] for address in sorted(set(self._holders))]

    async def _learn(self) -> None:
        """Ask one node after the other who holds what, until one answers."""
        for node in random.sample(list(self._nodes.values()), len(self._nodes)):
            slots = await node.slots()
            if slots is None:
                continue
            for _, address in slots:
                if address not in self._nodes:
                    user, at, _ = urlsplit(self._urls[0]).netloc.rpartition("@")
                    url = urlsplit(self._urls[0])._replace(netloc=f"{user}{at}{address}").geturl()
                    self._nodes[address] = self._node(url)
            self._begins, self._holders = [first for first, _ in slots], [address for _, address in slots]
            self._failures = self.failures
            return

    def _node(self, url: str) -> NodeCache:
        client: Redis = client_of(url, self._settings)
        return NodeCache(client, self._settings, name=f"cache {_address_of(url)}")


def _address_of(url: str) -> _Address:
    return urlsplit(url).netloc.rpartition("@")[2]


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
