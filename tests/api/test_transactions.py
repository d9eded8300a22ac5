"""The path through Kafka in transactions, and with a flush now and then."""

from __future__ import annotations

import itertools
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from confluent_kafka import Consumer, TopicPartition
from new_records import new_record
from service_processes import eventually, running_api

from api.settings import Settings
from api.writes.transactions import TransactionalPath
from contract.entities import ENTITIES
from contract.errors import BadConnection
from seawall.stack.log import Log
from seawall.stack.stack import Stack

USERS = ENTITIES["users"]
HEADERS = {"content-type": "application/json"}


def post(stack: Stack, directory: Path, count: int, **settings: str) -> list[dict[str, Any]]:
    """Return the answers to so many users, sent at once to an API with these settings."""
    bodies = [msgspec.json.encode(new_record(USERS)) for _ in range(count)]
    with running_api(stack.connections, directory, **settings) as (client, _):
        eventually(lambda: client.get("/readyz").is_success, 60)
        with ThreadPoolExecutor(count) as pool:
            answers = list(pool.map(lambda body: client.post("/v1/kafka/users", content=body, headers=HEADERS), bodies))
    assert [answer.status_code for answer in answers] == [202] * count
    return [answer.json() for answer in answers]


def offsets(answers: list[dict[str, Any]]) -> dict[int, list[int]]:
    """Return the offsets by partition, in order."""
    found: dict[int, list[int]] = {}
    for answer in answers:
        found.setdefault(answer["partition"], []).append(answer["offset"])
    return {partition: sorted(numbers) for partition, numbers in found.items()}


def stored(stack: Stack, answers: list[dict[str, Any]]) -> int:
    """Return how many of the users are in the table, whatever others may still come into it."""
    with psycopg.connect(stack.connections.psycopg_url) as session:
        ids = [answer["id"] for answer in answers]
        found = session.execute("SELECT count(*) FROM users WHERE id = ANY(%s)", [ids]).fetchone()
    return found[0] if found else 0


@pytest.mark.parametrize("kind", [pytest.param("each", marks=pytest.mark.long), "group"])
def test_records_are_there_once_their_transaction_is_committed(stack: Stack, tmp_path: Path, kind: str) -> None:
    """Where the answers say; each transaction's end takes an offset, and the lag is 0 once all is stored."""
    try:
        answers = post(stack, tmp_path, 12, SEAWALL_KAFKA_TRANSACTIONS=kind)
        places = offsets(answers)
        reader = Consumer({**stack.connections.kafka, "group.id": "nobody", "isolation.level": "read_committed"})
        for partition, numbers in places.items():
            if kind == "each":
                assert all(later - earlier >= 2 for earlier, later in itertools.pairwise(numbers))
            reader.assign([TopicPartition("seawall.users", partition, numbers[0])])
            message = reader.poll(20)
            assert message is not None
            assert (message.error(), message.offset()) == (None, numbers[0])
            _, end = reader.get_watermark_offsets(TopicPartition("seawall.users", partition), timeout=20)
            assert end > numbers[-1] + 1
        reader.close()
        eventually(lambda: stored(stack, answers) == len(answers), 60)
        plain, aware = Log(stack.connections.kafka), Log(stack.connections.kafka, lambda: True)
        eventually(lambda: aware.lag() == 0, 60)
        assert plain.lag() >= len(places)
        plain.close()
        aware.close()
    finally:
        stack.fresh()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"kafka_producer_properties": json.dumps({"acks": 1})}, "acks"),
        ({"kafka_producer_properties": json.dumps({"enable.idempotence": False})}, "idempotence"),
        ({"kafka_flush_every": 1}, "a commit flushes already"),
        ({"kafka_message_timeout_ms": 500}, "transaction.timeout.ms"),
    ],
)
def test_what_allows_no_transactions_is_refused(settings: dict[str, Any], words: str) -> None:
    """Before anything is started, with the reason."""
    with pytest.raises(BadConnection, match=words):
        TransactionalPath(
            {"bootstrap.servers": "127.0.0.1:1"}, Settings.model_validate({"kafka_transactions": "each", **settings})
        )


def test_a_flush_waits_for_no_linger(stack: Stack, tmp_path: Path) -> None:
    """Else an answer would take a minute, for which nobody waits."""
    try:
        answers = post(
            stack,
            tmp_path,
            4,
            SEAWALL_KAFKA_FLUSH_EVERY="1",
            SEAWALL_KAFKA_LINGER_MS="60000",
            SEAWALL_KAFKA_MESSAGE_TIMEOUT_MS="90000",
        )
        assert len({(answer["partition"], answer["offset"]) for answer in answers}) == 4
    finally:
        stack.fresh()
