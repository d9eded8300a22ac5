"""librdkafka's settings of a sink's consumer."""

from __future__ import annotations

from typing import Any

from workers.sink.commits import rule_of
from workers.sink.settings import Settings

_NEW_PROTOCOL = "consumer"
_OF_THE_OLD_PROTOCOL = {"session.timeout.ms", "heartbeat.interval.ms", "partition.assignment.strategy"}
"""With the new one (KIP-848) these are the broker's, and librdkafka refuses them."""


def consumer_configuration(connection: dict[str, Any], settings: Settings, **callbacks: Any) -> dict[str, Any]:
    """Return them all: ours, the user's, which win over ours, and those of the *connection*."""
    found = {
        "client.id": settings.sink_name,
        "group.id": settings.sink_group,
        # a static member: started again under the same name, it has its partitions back without a rebalance
        **({"group.instance.id": settings.sink_name} if settings.sink_static_membership else {}),
        "session.timeout.ms": settings.sink_session_timeout_ms,
        "heartbeat.interval.ms": 500,
        **_assignment(settings.sink_assignor),
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        **rule_of(settings).configuration,
        "auto.offset.reset": "earliest",
        "fetch.wait.max.ms": settings.sink_fetch_wait_ms,
        "fetch.min.bytes": settings.sink_fetch_bytes,
        # what waits here of each partition: 64 MB each, the default, would be half a gigabyte of backlog
        "queued.max.messages.kbytes": 8_192,
        "fetch.queue.backoff.ms": 10,  # the default second would let that run empty
        "topic.metadata.refresh.interval.ms": 5_000,
        # a broker that hangs should be noticed sooner than after the default minute
        "socket.timeout.ms": 5_000,
        "reconnect.backoff.max.ms": 1_000,  # of ten seconds by default
        **callbacks,
        **settings.sink_consumer_properties,
        **connection,
    }
    if found.get("group.protocol") == _NEW_PROTOCOL:
        for name in _OF_THE_OLD_PROTOCOL - settings.sink_consumer_properties.keys():
            found.pop(name, None)
    return found


def _assignment(assignor: str) -> dict[str, str]:
    if assignor == _NEW_PROTOCOL:
        return {"group.protocol": _NEW_PROTOCOL}
    return {"partition.assignment.strategy": assignor}


def is_cooperative(configuration: dict[str, Any]) -> bool:
    """Tell whether partitions are given and taken one by one, and not all at each rebalance."""
    strategy = configuration.get("partition.assignment.strategy", "")
    return configuration.get("group.protocol") == _NEW_PROTOCOL or strategy == "cooperative-sticky"
