"""Which records a group has buried: from the dead-letter topic, or from the table of a queue's letters."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from contract.connections import Connections
from contract.engine import engine_of
from contract.keys import identity_of
from contract.reviews import REVIEW_HEADER
from contract.tables import dead_letters
from contract.topics import DEAD_LETTER_TOPIC, REASON_HEADER
from seawall.audit.errors import AuditFailed

_WITHIN_S = 20.0


def letters_in_topic(kafka: dict[str, Any], group: str) -> frozenset[str]:
    """Return the ids of the records in the dead-letter topic whose reason begins with *group*; raises `AuditFailed`."""
    begins, found = f"{group}:".encode(), set()
    for message in _letters(kafka):
        reason = dict(message.headers() or ()).get(REASON_HEADER, b"")
        if isinstance(reason, bytes) and reason.startswith(begins):
            found.add(str(identity_of(message.key())))
    return frozenset(found)


def letters_of_reviews(kafka: dict[str, Any]) -> frozenset[str]:
    """Return the ids of the reviews in the dead-letter topic that no model judged; raises `AuditFailed`."""
    named = [dict(message.headers() or ()).get(REVIEW_HEADER) for message in _letters(kafka)]
    return frozenset(one.decode() for one in named if isinstance(one, bytes) and one)


def _letters(kafka: dict[str, Any]) -> Iterator[Message]:
    """Yield all messages of the dead-letter topic; raises `AuditFailed` where they cannot be read to the end."""
    consumer = Consumer({**kafka, "group.id": "seawall-audit-letters", "enable.auto.commit": False,
                         "enable.partition.eof": True, "log_level": 0})  # fmt: skip
    try:
        first, end = consumer.get_watermark_offsets(TopicPartition(DEAD_LETTER_TOPIC, 0), timeout=_WITHIN_S)
        consumer.assign([TopicPartition(DEAD_LETTER_TOPIC, 0, first)])
        deadline_s = time.monotonic() + _WITHIN_S
        while first < end:
            message = consumer.poll(0.5)
            if message is None:
                if time.monotonic() > deadline_s:
                    break
                continue
            if message.error() is not None:
                _check(message)
                first = end
                break
            first = (message.offset() or 0) + 1
            yield message
    except KafkaException as error:
        raise AuditFailed(f"the dead-letter topic could not be read: {error.args[0].str()}") from None
    finally:
        consumer.close()
    if first < end:
        raise AuditFailed("the dead-letter topic could not be read to its end")


def _check(message: Message) -> None:
    """Raise what went wrong, if it is not only the end of the topic."""
    error = message.error()
    if error is not None and error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 - the binding's name for it
        raise KafkaException(error)


def letters_of_queue(connections: Connections, queue: str) -> frozenset[str]:
    """Return the ids of the records that came from *queue* and were buried; raises `AuditFailed`."""
    letters = dead_letters.c
    try:
        with engine_of(connections).connect() as connection:
            keys = connection.scalars(sa.select(letters.key).where(letters.topic == queue)).all()
    except sa.exc.DBAPIError as error:
        raise AuditFailed(f"dead letters could not be read: {str(error.orig).strip()}") from None
    return frozenset(key.decode() for key in keys)
