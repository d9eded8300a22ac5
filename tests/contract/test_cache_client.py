"""Addresses of one cache, and of a cluster of several nodes."""

from __future__ import annotations

import pytest

from contract.cache_client import CACHE_DOWN, cache_client, cluster_nodes, server_urls

ONE = "redis://:secret@10.0.0.1:7001/0"


def test_an_address_without_further_nodes_is_one_server() -> None:
    """It stays as it is, and nothing connects yet."""
    assert cluster_nodes(ONE) == (ONE, ())
    assert server_urls(ONE) == (ONE,)
    cache_client(ONE, timeout_s=0.1).close()


def test_the_nodes_of_a_cluster_are_named_behind_the_first() -> None:
    """A node without a port has the usual one, and what else the address says stays."""
    plain, nodes = cluster_nodes(f"{ONE}?protocol=3&nodes=10.0.0.2:7002,cache-3")
    assert plain == f"{ONE}?protocol=3"
    assert nodes == (("10.0.0.1", 7001), ("10.0.0.2", 7002), ("cache-3", 6379))
    assert server_urls(f"{ONE}?nodes=10.0.0.2:7002") == (ONE, "redis://:secret@10.0.0.2:7002/0")


def test_a_cluster_of_which_no_node_answers_says_so() -> None:
    """By one of the errors that every caller expects."""
    with pytest.raises(CACHE_DOWN):
        cache_client("redis://127.0.0.1:1/0?nodes=127.0.0.1:2", timeout_s=0.2)
