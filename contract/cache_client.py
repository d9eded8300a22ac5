"""The client of the shared cache: of one server, or of a cluster, whose further nodes the URL names.

``redis://:password@host:7001/0?nodes=host:7002,host:7003`` is a cluster: any of these nodes tells where the others are,
so one that is away keeps nobody from the rest.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import redis
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.exceptions import RedisClusterException
from redis.retry import Retry

CACHE_DOWN = (redis.RedisError, RedisClusterException, OSError, TimeoutError)
"""What the client raises where a cache, or a node of it, cannot be used."""
Places = tuple[tuple[str, int], ...]
_PORT = 6379
_TRIES_TO_BEGIN = 8


def cluster_nodes(url: str) -> tuple[str, Places]:
    """Return *url* as the client of one server takes it, and host and port of each node; of no cluster there are none.

    Raises `ValueError` where a node is no address.
    """
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    named = query.pop("nodes", "")
    if not named:
        return url, ()
    others = [urlsplit(f"//{node}") for node in named.split(",")]
    plain = parts._replace(query=urlencode(query)).geturl()
    return plain, tuple((one.hostname or "", one.port or _PORT) for one in (parts, *others))


def server_urls(url: str) -> tuple[str, ...]:
    """Return an address of each server alone: of every node of a cluster, else *url* itself."""
    plain, nodes = cluster_nodes(url)
    parts = urlsplit(plain)
    user, at, _ = parts.netloc.rpartition("@")
    return tuple(parts._replace(netloc=f"{user}{at}{host}:{port}").geturl() for host, port in nodes) or (plain,)


def cache_client(url: str, *, timeout_s: float, retries: int = 0) -> Any:
    """Return a client of one server or of a cluster; of a cluster one that has asked a node already.

    Every command and every connection has *timeout_s*, and is tried again *retries* times at once. Raises one of
    `CACHE_DOWN` where no node of a cluster answers.
    """
    plain, nodes = cluster_nodes(url)
    options: dict[str, Any] = {
        "socket_timeout": timeout_s,
        "socket_connect_timeout": timeout_s,
        "retry": Retry(NoBackoff(), retries),
    }
    if not nodes:
        return redis.Redis.from_url(plain, **options)
    # a node that is away takes its own keys with it, and no others
    client = RedisCluster(
        url=plain,  # with credentials, and what it says of TLS
        startup_nodes=[ClusterNode(host, port) for host, port in nodes],  # type: ignore[no-untyped-call]  # the library's
        require_full_coverage=False,
        dynamic_startup_nodes=False,
        # it begins by asking a node of its choice what commands there are; one that is away is replaced at the next try
        **{**options, "retry": Retry(NoBackoff(), max(retries, _TRIES_TO_BEGIN))},
    )
    client.set_retry(options["retry"])
    return client
