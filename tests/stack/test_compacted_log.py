"""The log as the stack sees it, where topics are compacted."""

from __future__ import annotations

import pytest
from confluent_kafka import Producer

from contract.entities import ENTITIES
from contract.ids import Run, mint
from contract.topics import topic_of
from seawall.stack.server_settings import ServerSettings
from seawall.stack.stack import Stack

TOPIC = topic_of(ENTITIES["users"])


@pytest.mark.parametrize("policy", ["compact", "compact,delete"])
def test_fresh_state_is_fresh_where_topics_are_compacted(stack: Stack, policy: str) -> None:
    """Kafka deletes no records of a topic that is only compacted; afterwards it is compacted as before."""
    with stack.adjustments() as adjustments:
        adjustments.apply(ServerSettings(topics={"cleanup.policy": policy}))
        producer = Producer({**stack.connections.kafka, "enable.idempotence": True})
        firsts = stack.log_ends()
        for sequence in range(50):
            producer.produce(TOPIC, b"no record", str(mint(Run(1_700_000_000_000, 3), sequence, 1, 2)))
        assert producer.flush(20) == 0
        written = sum(stack.log_ends().values()) - sum(firsts.values())
        files = stack.log_files(firsts)["kafka-1"]
        assert (written, sum(one.records for one in files.values())) == (50, 50)
        assert sum(one.size_bytes for one in files.values()) > 50 * len(b"no record")
        stack.fresh()
        assert stack.lag() == 0
        assert stack.settings()["kafka"]["topics"][TOPIC]["cleanup.policy"] == policy
    assert stack.settings()["kafka"]["topics"][TOPIC]["cleanup.policy"] == "delete"
