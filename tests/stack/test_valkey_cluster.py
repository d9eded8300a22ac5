"""Valkey as a cluster of three: what a node takes with it, and what becomes of lookups meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from valkey_nodes import Nodes, cluster

from api.lookups.cluster import ClusterCache
from api.problems import Unavailable
from api.settings import Settings
from contract.cache_client import CACHE_DOWN, cache_client
from contract.fleet import PRODUCTS_KEY, USERS_KEY
from seawall.observe.cache import Cache
from seawall.observe.fleet import FleetCache
from seawall.stack import valkey
from seawall.stack.errors import BadOptions
from seawall.stack.faults.fault import wait_until
from seawall.stack.options import StackOptions
from seawall.stack.state import StackState
from seawall.stack.valkey_cluster import holder_of, is_whole

KEYS = [f"seawall:users:{number}" for number in range(60)]


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    """Three nodes for all tests; each test mends what it kills."""
    with cluster(tmp_path_factory.mktemp("cluster")) as found:
        yield found


def holder(nodes: Nodes, key: str) -> str:
    """Return the node that holds *key*."""
    return holder_of(key, cast("StackState", SimpleNamespace(services=nodes.services)), nodes.url)


def filled(nodes: Nodes) -> Any:
    """Return a client of a cluster that holds something of the fleet."""
    client = cache_client(nodes.url, timeout_s=2.0)
    client.flushdb()
    client.hset(USERS_KEY, "a", "1")
    client.hset(PRODUCTS_KEY, mapping={"x": "1", "y": "2"})
    return client


def test_it_is_checked_and_described_as_one_cache(nodes: Nodes) -> None:
    """With the number of its nodes, and with the keys of all of them."""
    client = filled(nodes)
    assert is_whole(nodes.url)
    assert valkey.check(nodes.url).startswith("Valkey ")
    assert valkey.read_settings(nodes.url)["nodes"] == 3
    counts = Cache(nodes.url)
    assert counts.counts().keys == 2
    counts.close()
    client.close()


def test_a_node_that_dies_takes_its_keys_and_no_others(nodes: Nodes) -> None:
    """The fleet's monitor sees what is left, and the node comes back empty."""
    client, monitor = filled(nodes), FleetCache(nodes.url)
    first = holder(nodes, USERS_KEY)
    assert holder(nodes, PRODUCTS_KEY) != first
    nodes.kill(first)
    with pytest.raises(CACHE_DOWN):
        client.hlen(USERS_KEY)
    assert client.hlen(PRODUCTS_KEY) == 2
    seen = monitor.read()
    assert (seen.users, seen.products) == (None, 2)
    assert not is_whole(nodes.url)
    nodes.mend()
    assert wait_until(lambda: monitor.read().users == 0, 10)
    client.hset(USERS_KEY, "a", "1")
    assert monitor.read().users == 1
    monitor.close()
    client.close()


@pytest.mark.parametrize(
    "number", [0, pytest.param(1, marks=pytest.mark.long), pytest.param(2, marks=pytest.mark.long)]
)
def test_whichever_node_is_away_a_new_client_reaches_the_others(nodes: Nodes, number: int) -> None:
    """Also where it is the one that the client would have asked first."""
    old = filled(nodes)
    for key in KEYS:
        old.set(key, key)
    nodes.kill(nodes.nodes[number].name)
    client = cache_client(nodes.url, timeout_s=2.0)
    found = 0
    for key in KEYS:
        with contextlib.suppress(*CACHE_DOWN):
            found += client.get(key) == key.encode()
    assert 0 < found < len(KEYS)
    nodes.mend()
    client.close()
    old.close()


def test_lookups_miss_a_dead_nodes_share_and_without_a_majority_all(nodes: Nodes) -> None:
    """No lookup raises, each failure is counted, and readiness says when there is no majority."""
    first = holder(nodes, KEYS[0])
    second = next(node.name for node in nodes.nodes if node.name != first)

    async def look() -> None:
        settings = Settings(cache_timeout_s=1.0, cache_pause_s=0.1)
        cache = ClusterCache(nodes.url, settings)
        bodies = {key: key.encode() for key in KEYS}
        await cache.put(bodies)
        assert await cache.get(KEYS) == bodies
        assert 20 <= len(await cache.some("seawall:users:", 30)) <= 30
        await cache.forget(KEYS[1:3])
        assert await cache.get(KEYS[1:3]) == {}
        nodes.kill(first)
        left = await cache.get(KEYS)
        assert KEYS[0] not in left
        assert 0 < len(left) < len(KEYS) - 2
        assert cache.failures >= 1
        await cache.check()
        late = ClusterCache(nodes.url, settings)  # of a process that starts now
        assert await late.get(KEYS) == left
        await late.close()
        nodes.kill(second)
        await asyncio.sleep(0.2)
        for _ in range(100):  # until the third has noticed that it is alone
            if not await cache.get(KEYS):
                break
            await asyncio.sleep(0.2)
        assert await cache.get(KEYS) == {}
        with pytest.raises(Unavailable, match="1 of Valkey's 3 nodes answer"):
            await cache.check()
        await asyncio.to_thread(nodes.mend)
        await asyncio.sleep(0.2)
        await cache.check()
        await cache.put(bodies)
        assert await cache.get(KEYS) == bodies
        await cache.close()

    asyncio.run(look())


def test_links_and_a_cluster_are_not_both() -> None:
    """A link leads to one server."""
    with pytest.raises(BadOptions, match="links lead to one server"):
        StackOptions(cache_nodes=3, links=True).checked()
    with pytest.raises(BadOptions, match="choose 1 or 3"):
        StackOptions(cache_nodes=2).checked()
