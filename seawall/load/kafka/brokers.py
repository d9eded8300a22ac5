"""Where the brokers are, and whether they can be used: asked before anything is sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from contract.connections import Connections
from contract.errors import BadConnection
from seawall.load.kafka.errors import KafkaUnusable, NoneKnown
from seawall.stack.errors import Unreachable
from seawall.stack.given import connections_of
from seawall.stack.kafka import check
from seawall.stack.state import read_state

SCHEME = "kafka://"
ASK_S = 5.0


def connection_to(servers: str, own: Mapping[str, Any]) -> dict[str, Any]:
    """Return librdkafka's settings to reach *servers*, such as ``host:9092,other:9092``, or whatever is known if empty.

    *own* are the user class's settings and win. Else ``SEAWALL_KAFKA_*`` is asked, then the running stack, and
    credentials go to no other servers than those they are for. Raises `KafkaUnusable`.
    """
    servers = servers or str(own.get("bootstrap.servers", ""))
    if own:
        if not servers:
            raise KafkaUnusable("`connection` names no brokers: give `bootstrap_servers` as well")
        return {**own, "bootstrap.servers": servers}
    try:
        given = Connections.read()
    except BadConnection as error:
        raise KafkaUnusable(str(error)) from None
    state = read_state()
    of_stack = connections_of(state.environment) if state is not None else None
    for known in (given, of_stack):
        if known is None or known.kafka_bootstrap_servers is None:
            continue
        if servers in ("", known.kafka_bootstrap_servers):
            return known.kafka
    if not servers:
        raise NoneKnown(
            "no Kafka is known: start a stack with `bin/seawall up`, set SEAWALL_KAFKA_BOOTSTRAP_SERVERS, or give"
            f" `bootstrap_servers` of the user class, or --host {SCHEME}SERVER:PORT"
        )
    if given.kafka_bootstrap_servers is None:  # then what else is set is meant for whatever is named elsewhere
        return given.model_copy(update={"kafka_bootstrap_servers": servers}).kafka
    return {"bootstrap.servers": servers}


def check_brokers(connection: Mapping[str, Any], topics: Iterable[str]) -> None:
    """Return if the brokers answer and have all *topics*; raises `KafkaUnusable`. Blocks for some seconds at most."""
    try:
        check(dict(connection))
    except Unreachable as error:
        raise KafkaUnusable(str(error)) from None
    admin = AdminClient({**connection, "log_level": 0})
    try:
        known = admin.list_topics(timeout=ASK_S).topics
    except KafkaException as error:
        raise KafkaUnusable(f"the brokers do not tell their topics: {error.args[0].str()}") from None
    missing = sorted(set(topics) - set(known))
    if missing:
        raise KafkaUnusable(
            f"{'these topics are' if len(missing) > 1 else 'this topic is'} not there, or not for this user to see:"
            f" {', '.join(missing)}; none is created by itself"
        )
