"""Valkey as a cluster: each node holds a share of all keys, and none holds another's as well.

So a node that is away takes its share with it until it is back, empty, as it was; the others answer for theirs, as long
as they are the majority. Without one no node answers for anything. (Valkey's cluster specification.)
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from contract.cache_client import CACHE_DOWN, server_urls
from contract.connections import Connections
from seawall.stack.errors import NotRunning, ServerFailed
from seawall.stack.options import StackOptions
from seawall.stack.ports import HOST
from seawall.stack.service import External, Service, without_password
from seawall.stack.state import StackState
from seawall.stack.valkey import Valkey, check

SLOTS = 16_384
"""Into so many every key falls by its checksum (CRC16)."""
NODE_TIMEOUT_MS = 2_000
"""After so long without a word from it a node is taken to be away."""
_FORMED_WITHIN_S, _POLL_S = 30.0, 0.05
_TIMEOUT_S = 2.0


class ValkeyNode(Valkey):
    """One node; all nodes have the same password."""

    def __init__(self, number: int, *, directory: Path, port: int, bus_port: int, password: str) -> None:
        super().__init__(directory=directory, port=port)
        self.name = f"valkey-{number}"
        self.password = password
        self.bus_port = bus_port
        """On which it talks to the other nodes."""

    def configuration(self) -> str:
        """Return its configuration file; what it knows of the others it keeps beside it, and finds again."""
        return (
            f"{super().configuration()}cluster-enabled yes\ncluster-port {self.bus_port}\n"
            f"cluster-announce-ip {HOST}\ncluster-node-timeout {NODE_TIMEOUT_MS}\nprimaryauth {self.password}\n"
            "cluster-require-full-coverage no\n"
        )


def caches_of(
    connections: Connections, options: StackOptions, ports: Iterator[int], data: Path, *, embed: bool
) -> tuple[list[Service], Connections]:
    """Return the cache's services, one or as many as there are nodes, and *connections* with their address.

    One that the connections name is there already; where there is none, it is made where ours are to be *embed*ded, of
    as many *ports* as it needs.
    """
    if connections.cache_url is not None:
        url = connections.redis_url
        return [External("valkey", "valkey", without_password(url), partial(check, url))], connections
    if not embed:
        return [], connections
    own = Valkey(directory=data / "valkey", port=next(ports))
    services: list[Service] = [own]
    url = own.url
    if options.cache_nodes > 1:
        services, url = _cluster(own, options.cache_nodes, ports, data)
    return services, connections.model_copy(update={"cache_url": SecretStr(url)})


def _cluster(first: Valkey, count: int, ports: Iterator[int], data: Path) -> tuple[list[Service], str]:
    taken = [first.port or 0, *itertools.islice(ports, 2 * count - 1)]
    nodes = [
        ValkeyNode(
            number + 1,
            directory=data / f"valkey-{number + 1}",
            port=taken[2 * number],
            bus_port=taken[2 * number + 1],
            password=first.password,
        )
        for number in range(count)
    ]
    return list(nodes), url_of(nodes)


def url_of(nodes: Sequence[ValkeyNode]) -> str:
    """Return the address of all of them, see `contract.cache_client`."""
    others = ",".join(node.address for node in nodes[1:])
    return f"{nodes[0].url}?nodes={others}"


def form(nodes: Sequence[ValkeyNode]) -> None:
    """Share all slots among *nodes*, which run, and have them know each other; returns when all say that it is so.

    Raises `ServerFailed`.
    """
    import redis  # noqa: PLC0415 - loaded while the servers start

    clients: list[Any] = [redis.Redis.from_url(node.url, socket_timeout=_TIMEOUT_S) for node in nodes]
    try:
        for number, client in enumerate(clients):
            first, last = SLOTS * number // len(nodes), SLOTS * (number + 1) // len(nodes) - 1
            client.execute_command("CLUSTER ADDSLOTSRANGE", first, last)
            client.execute_command("CLUSTER SET-CONFIG-EPOCH", number + 1)
        for node in nodes[1:]:
            clients[0].execute_command("CLUSTER MEET", HOST, node.port, node.bus_port)
        deadline_s = time.monotonic() + _FORMED_WITHIN_S
        while not all(_is_whole(client, len(nodes)) for client in clients):
            if time.monotonic() > deadline_s:
                raise ServerFailed(f"the nodes of Valkey did not become a cluster within {_FORMED_WITHIN_S:.0f} s")
            time.sleep(_POLL_S)
    except redis.RedisError as error:
        raise ServerFailed(f"the nodes of Valkey did not become a cluster: {error}") from None
    finally:
        for client in clients:
            client.close()


def holder_of(key: str, state: StackState, url: str) -> str:
    """Return the service that holds *key* in the cluster at *url*; raises `NotRunning` where nobody of ours does."""
    import redis  # noqa: PLC0415 - loaded where it is used
    from redis.crc import key_slot  # noqa: PLC0415 - as above

    slot = key_slot(key.encode())
    with redis.Redis.from_url(server_urls(url)[0], socket_timeout=_TIMEOUT_S) as client:
        held: Any = client.execute_command("CLUSTER SLOTS")
    for first, last, (_, port, *_), *_ in held:
        if first <= slot <= last:
            for name, service in state.services.items():
                if service.kind == "valkey" and service.port == port:
                    return name
    raise NotRunning(f"no node of this stack's Valkey holds {key}")


def is_whole(url: str) -> bool:
    """Tell whether every node of the cluster at *url* answers, and knows of all others that they are there."""
    import redis  # noqa: PLC0415 - loaded where it is used

    urls = server_urls(url)
    for one in urls:
        try:
            with redis.Redis.from_url(one, socket_timeout=_TIMEOUT_S) as client:
                if not _is_whole(client, len(urls)):
                    return False
        except CACHE_DOWN:
            return False
    return True


def _is_whole(client: Any, count: int) -> bool:
    found: dict[str, Any] = client.execute_command("CLUSTER INFO")
    return (
        found["cluster_state"] == "ok"
        and int(found["cluster_known_nodes"]) == count
        and int(found["cluster_slots_ok"]) == SLOTS
    )
