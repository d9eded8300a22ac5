"""Kafka topics and the consumer group of the sinks."""

from __future__ import annotations

from contract.entities import ENTITIES, Entity

PREFIX = "seawall."
PARTITIONS = 3
DEAD_LETTER_TOPIC = PREFIX + "dead-letters"
SINK_GROUP = "seawall-sink"
FEED_GROUP = "seawall-feed"
"""Feeds join none, but librdkafka asks for a name."""

# headers of a dead letter: where the record came from and why it can never be written
REASON_HEADER = "seawall-reason"
SOURCE_TOPIC_HEADER = "seawall-topic"
SOURCE_PARTITION_HEADER = "seawall-partition"
SOURCE_OFFSET_HEADER = "seawall-offset"


def topic_of(entity: Entity) -> str:
    """Return the topic that carries *entity*."""
    return PREFIX + entity.name


def value_subject(entity: Entity, codec: str) -> str:
    """Return under which name a schema registry knows the values of *entity*'s topic.

    That of the *codec* is part of it: all versions of a subject are of one kind.
    """
    return f"{topic_of(entity)}-value-{codec}"


def key_subject(entity: Entity, codec: str) -> str:
    """Return the same for its keys."""
    return f"{topic_of(entity)}-key-{codec}"


def entity_of(topic: str) -> Entity:
    """Return the entity that *topic* carries; raises `KeyError` for a topic of another kind."""
    return ENTITIES[topic.removeprefix(PREFIX)]


def record_topics() -> list[str]:
    """Return the topics of all entities."""
    return [topic_of(entity) for entity in ENTITIES.values()]
