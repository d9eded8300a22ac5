"""Records whose values and keys are written by other serializers than the shipped ones, from the API to the row."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from confluent_kafka import Consumer, Message, TopicPartition
from new_records import new_record
from psycopg.rows import dict_row
from service_processes import eventually, running_api

from contract.connections import Connections
from contract.entities import ENTITIES, Record
from contract.keys import identity_of
from contract.topics import topic_of
from seawall.stack.stack import Stack

USERS = ENTITIES["users"]
JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module", autouse=True)
def _clean(stack: Stack) -> Iterator[None]:
    yield
    stack.fresh()


def row_of(connections: Connections, record: Record) -> dict[str, Any] | None:
    """Return the row with the record's id."""
    with psycopg.connect(connections.psycopg_url, row_factory=dict_row) as session:
        return session.execute("SELECT * FROM users WHERE id = %s", [record.id]).fetchone()


def message_at(connections: Connections, place: dict[str, Any]) -> Message:
    """Return what lies at the place of the log that the API told."""
    reader = Consumer({**connections.kafka, "group.id": "reader", "log_level": 0})
    try:
        reader.assign([TopicPartition(topic_of(USERS), place["partition"], place["offset"])])
        due_s = time.monotonic() + 20
        while (message := reader.poll(1.0)) is None or message.error() is not None:
            assert time.monotonic() < due_s
        return message
    finally:
        reader.close()


@pytest.mark.parametrize(("value", "key"), [("bytes", "bytes"), ("string", "json")])
def test_a_record_reaches_its_row_in_another_form(value: str, key: str, stack: Stack, tmp_path: Path) -> None:
    """The message names the codec of its value, and the sink, which nobody told, goes by that."""
    record = new_record(USERS, city="Tab\tville")
    settings = {"SEAWALL_VALUE_SERIALIZER": value, "SEAWALL_KEY_SERIALIZER": key}
    with running_api(stack.connections, tmp_path, **settings) as (client, _):
        eventually(lambda: client.get("/readyz").is_success)
        answer = client.post("/v1/kafka/users", content=msgspec.json.encode(record), headers=JSON)
        assert answer.status_code == 202, answer.text
    eventually(lambda: row_of(stack.connections, record) is not None)
    assert USERS.record(**(row_of(stack.connections, record) or {})) == record
    message = message_at(stack.connections, answer.json())
    assert message.headers() == [("codec", value.encode()), ("key-codec", key.encode())]
    assert identity_of(message.key()) == record.id


def test_an_api_without_a_registry_does_not_start_with_avro(stack: Stack, tmp_path: Path) -> None:
    """It says what to set, in a line."""
    settings = {"SEAWALL_KEY_SERIALIZER": "avro"}
    said = r"api: .*SEAWALL_KEY_SERIALIZER=avro: set SEAWALL_REGISTRY_URL"
    with pytest.raises(AssertionError, match=said), running_api(stack.connections, tmp_path, **settings):
        pass
