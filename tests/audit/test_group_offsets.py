"""What a group has committed, asked while its coordinator moves."""

from __future__ import annotations

from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from contract import group_offsets
from contract.group_offsets import GroupOffsets
from contract.topics import record_topics
from seawall.stack.stack import Stack

PLACES = [TopicPartition(record_topics()[0], 0)]


@pytest.fixture
def group(stack: Stack) -> GroupOffsets:
    """Return one in which something was committed."""
    consumer = Consumer({**stack.connections.kafka, "group.id": "test-group-offsets", "enable.auto.commit": False})
    consumer.commit(offsets=[TopicPartition(PLACES[0].topic, 0, 7)], asynchronous=False)
    consumer.close()
    return GroupOffsets(stack.connections.kafka, "test-group-offsets")


def stumbling(code: int, times: int, made: list[Consumer]) -> type:
    """Return a kind of consumer of which the first few answer with an error."""

    class Stumbling(Consumer):
        def __init__(self, *arguments: Any, **more: Any) -> None:
            super().__init__(*arguments, **more)
            made.append(self)

        def committed(self, *arguments: Any, **more: Any) -> Any:
            if len(made) <= times:
                raise KafkaException(KafkaError(code))
            return super().committed(*arguments, **more)

    return Stumbling


def test_a_coordinator_that_moves_is_looked_for_by_a_new_client(
    group: GroupOffsets, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often it does; the answer is that of the log."""
    made: list[Consumer] = []
    monkeypatch.setattr(group_offsets, "Consumer", stumbling(KafkaError.NOT_COORDINATOR, 3, made))
    assert group.ask(PLACES, 10.0) == {(PLACES[0].topic, 0): 7}
    assert len(made) == 4
    assert group.ask(PLACES, 10.0) == {(PLACES[0].topic, 0): 7}
    assert len(made) == 4
    group.close()


@pytest.mark.parametrize(("code", "within_s"), [(KafkaError.NOT_COORDINATOR, 0.1), (KafkaError._ALL_BROKERS_DOWN, 9.0)])
def test_what_does_not_pass_is_raised(
    group: GroupOffsets, code: int, within_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the time is up, or at once."""
    monkeypatch.setattr(group_offsets, "Consumer", stumbling(code, 1_000, []))
    with pytest.raises(KafkaException):
        group.ask(PLACES, within_s)
    assert group.ask([], within_s) == {}
