"""Create Kafka's topics, those that are not there yet.

``python -m contract.make_topics --partitions 9 --replication 3`` does so in the cluster of
``SEAWALL_KAFKA_BOOTSTRAP_SERVERS``, as ``python -m contract.migrate`` does with tables; both may be run again.
"""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from contract.connections import Connections
from contract.errors import BadConnection, NoTopics
from contract.topics import DEAD_LETTER_TOPIC, PARTITIONS, record_topics

_REQUEST_S = 10.0
_LOOK_AGAIN_S = 0.02
_COPIES_FOR_TWO_WRITES = 3
"""From so many replicas on, two have to have a write, and one may be down."""
_MOST_PARTITIONS, _MOST_REPLICAS = 10_000, 100
_MOST_COPIES = 3
"""Of topics that a worker makes for itself, where there are so many brokers."""


def create_topics(
    admin: AdminClient,
    *,
    partitions: int,
    replication: int,
    settings: Mapping[str, str] | None = None,
    names: Sequence[str] | None = None,
) -> None:
    """Create the topics that are not there yet, and wait until each partition has a leader; raises `NoTopics`.

    With three replicas a write needs two; *replication* 0 leaves their number to the cluster. *names* are others than
    those of all records and their dead letters.
    """
    config = {"min.insync.replicas": "2"} if replication >= _COPIES_FOR_TWO_WRITES else {}
    config |= settings or {}
    wanted = dict.fromkeys(record_topics(), partitions) | {DEAD_LETTER_TOPIC: 1}
    if names is not None:
        wanted = dict.fromkeys(names, partitions)
    new = [NewTopic(name, count, replication or -1, config=config) for name, count in wanted.items()]
    for name, future in admin.create_topics(new, request_timeout=_REQUEST_S).items():
        try:
            future.result()
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise NoTopics(f"kafka: the topic {name} cannot be created: {error.args[0].str()}") from None
    _await_leaders(admin, list(wanted))


def create_own_topic(admin: AdminClient, name: str) -> None:
    """Create a topic that only one worker needs, where it is not there yet, with a copy on up to three brokers.

    Raises `NoTopics`, and `KafkaException` where no broker answers.
    """
    brokers = len(admin.list_topics(timeout=_REQUEST_S).brokers)
    create_topics(admin, partitions=PARTITIONS, replication=min(brokers, _MOST_COPIES), names=[name])


def _await_leaders(admin: AdminClient, names: list[str]) -> None:
    deadline = time.monotonic() + _REQUEST_S
    while time.monotonic() < deadline:
        topics = admin.list_topics(timeout=_REQUEST_S).topics
        if all(
            name in topics
            and topics[name].partitions
            and all(part.leader >= 0 for part in topics[name].partitions.values())
            for name in names
        ):
            return
        time.sleep(_LOOK_AGAIN_S)
    raise NoTopics(f"kafka: some of the topics {', '.join(names)} have no leader after {_REQUEST_S:.0f} s")


def main(arguments: Sequence[str] | None = None) -> int:
    """Create the topics; return the exit code: 2 where they could not be."""
    parser = ArgumentParser(prog="python -m contract.make_topics", description="Create the topics that are missing.")
    parser.add_argument(
        "--partitions", type=int, default=PARTITIONS, help=f"of each topic of records (default {PARTITIONS})"
    )
    parser.add_argument(
        "--replication", type=int, default=0, help="replicas of each partition (default: as the cluster has it)"
    )
    chosen = parser.parse_args(arguments)
    if not 1 <= chosen.partitions <= _MOST_PARTITIONS or not 0 <= chosen.replication <= _MOST_REPLICAS:
        parser.error(f"choose 1 to {_MOST_PARTITIONS} partitions and 0 to {_MOST_REPLICAS} replicas")
    try:
        admin = AdminClient({**Connections.read().kafka, "log_level": 0})
        admin.list_topics(
            timeout=_REQUEST_S
        )  # says that nobody answers, where creating would only say that it took long
        create_topics(admin, partitions=chosen.partitions, replication=chosen.replication)
    except (BadConnection, NoTopics) as error:
        print(f"topics: {error}", file=sys.stderr)
        return 2
    except KafkaException as error:
        print(f"topics: no Kafka answers ({error.args[0].str()}); start it, or correct its address", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
