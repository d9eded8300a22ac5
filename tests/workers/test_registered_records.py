"""Records that are written by a schema of a registry, while that is away and while it is there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from new_records import new_record
from pydantic import SecretStr
from schema_registry import running
from service_processes import eventually, gate_to, running_api, running_sink
from test_sink import Bench

from contract.connections import Connections
from contract.entities import ENTITIES, Record
from contract.topics import topic_of
from seawall.stack.stack import Stack

USERS = ENTITIES["users"]
JSON = {"content-type": "application/json"}
TOPIC = topic_of(USERS)

pytestmark = pytest.mark.long


@pytest.fixture
def bench(stack: Stack) -> Iterator[Bench]:
    """Return a bench without a sink; what the stack's own sink makes of the records is removed."""
    found = Bench(stack.connections)
    yield found
    found.close()
    stack.fresh()


def written(connections: Connections, directory: Path, name: str, record: Record) -> list[tuple[int, int]]:
    """Write a record by an API with that serializer, and return its place in the log."""
    settings = {"SEAWALL_VALUE_SERIALIZER": name, "SEAWALL_KEY_SERIALIZER": name}
    with running_api(connections, directory, **settings) as (client, _):
        eventually(lambda: client.get("/readyz").is_success, 30)
        answer = client.post("/v1/kafka/users", content=msgspec.json.encode(record), headers=JSON)
        assert answer.status_code == 202, answer.text
    return [(answer.json()["partition"], answer.json()["offset"])]


def test_what_needs_a_registry_waits_for_it_and_loses_nothing(bench: Bench, tmp_path: Path) -> None:
    """The API is not ready without it and needs it no more once it is; a sink that cannot ask waits in its group."""
    avro, later, protobuf = (new_record(USERS) for _ in range(3))
    with running(tmp_path / "registry") as (registry, _), gate_to(registry.url) as (gate, behind):
        connections = bench.connections.model_copy(update={"registry_url": SecretStr(behind)})
        settings = {"SEAWALL_VALUE_SERIALIZER": "avro", "SEAWALL_KEY_SERIALIZER": "avro"}
        gate.cut()
        with running_api(connections, tmp_path, **settings) as (client, _):
            eventually(lambda: "schema registry" in client.get("/readyz").text, 30)
            refused = client.post("/v1/kafka/users", content=msgspec.json.encode(avro), headers=JSON)
            assert refused.status_code == 503
            assert refused.json()["outcome"] == "not-stored"
            gate.mend()
            eventually(lambda: client.get("/readyz").is_success, 30)
            gate.cut()
            answers = [
                client.post("/v1/kafka/users", content=msgspec.json.encode(one), headers=JSON) for one in (avro, later)
            ]
            assert [answer.status_code for answer in answers] == [202, 202]
        places = [(answer.json()["partition"], answer.json()["offset"]) for answer in answers]
        gate.mend()
        places += written(connections, tmp_path, "protobuf", protobuf)
        gate.cut()
        with running_sink(connections, tmp_path, **bench.settings()) as process:
            log = tmp_path / "sink.log"
            eventually(lambda: "the schema registry" in log.read_text(), 60)
            assert bench.count([avro, later]) == 0
            assert not bench.is_drained()
            gate.mend()
            eventually(lambda: bench.count([avro, later, protobuf]) == 3, 60)
            assert process.poll() is None
            eventually(bench.is_drained, 30)
    assert [bench.stored(one) for one in (avro, later, protobuf)] == [[avro], [later], [protobuf]]
    assert bench.reasons(TOPIC, places) == []


def test_a_sink_without_a_registry_buries_what_it_can_never_read(bench: Bench, tmp_path: Path) -> None:
    """The letter says what is missing, and the partition goes on."""
    unreadable, plain = new_record(USERS), new_record(USERS)
    with running(tmp_path / "registry") as (registry, _):
        connections = bench.connections.model_copy(update={"registry_url": SecretStr(registry.url)})
        places = written(connections, tmp_path, "avro", unreadable)
    with running_sink(bench.connections, tmp_path, **bench.settings()):
        bench.publish([plain])
        eventually(lambda: bench.count([plain]) == 1, 60)
        eventually(lambda: bench.reasons(TOPIC, places), 30)
    assert "no schema registry is configured" in bench.reasons(TOPIC, places)[0]
