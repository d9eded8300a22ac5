"""`/metrics` of a sink."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import pytest
from confluent_kafka import Producer
from new_records import new_record
from scrapes import scrape
from service_processes import eventually, free_port, running_sink

from contract.api_keys import Scope, line_of, new_key
from contract.entities import ENTITIES
from contract.topics import record_topics, topic_of
from seawall.stack.stack import Stack

USERS = ENTITIES["users"]


@pytest.fixture(scope="module", autouse=True)
def _clean(stack: Stack) -> Iterator[None]:
    yield
    stack.fresh()


def _now(stack: Stack) -> dict[str, float]:
    return scrape(stack.state.services["sink-1"].metrics_url)


def test_a_sink_counts_what_became_of_each_record(stack: Stack) -> None:
    """Stored, known already, or dead; and its batches, stages, partitions and lag."""
    before = _now(stack)
    record = new_record(USERS)
    producer = Producer({**stack.connections.kafka, "acks": "all"})
    for value in (msgspec.json.encode(record), msgspec.json.encode(record), b"no record"):
        producer.produce(topic_of(USERS), value, b"key", partition=0)
    producer.flush(20)
    outcomes = {name: f"seawall_sink_records_total{{{name}}}" for name in ("stored", "duplicate", "dead_lettered")}
    eventually(lambda: all(_now(stack)[name] == before[name] + 1 for name in outcomes.values()))
    lags = [f"seawall_sink_lag_records{{{partition},{topic}}}" for topic in record_topics() for partition in range(3)]
    eventually(lambda: all(_now(stack).get(name) == 0 for name in lags))
    stages = [f"seawall_sink_stage_seconds_count{{{stage}}}" for stage in ("gather", "decode", "write", "bury")]
    eventually(lambda: all(_now(stack)[name] > before[name] for name in stages))  # a first dead letter takes a while
    after = _now(stack)
    assert after["seawall_sink_partitions{}"] == 3 * len(ENTITIES)
    assert after["seawall_sink_rows_total{users}"] - before["seawall_sink_rows_total{users}"] == 2
    assert after["seawall_sink_batch_records_sum{}"] - before["seawall_sink_batch_records_sum{}"] == 3
    assert after["seawall_sink_delay_seconds_count{}"] > before["seawall_sink_delay_seconds_count{}"]


def test_a_sink_that_others_can_reach_shows_its_metrics_to_those_with_a_key_alone(stack: Stack, tmp_path: Path) -> None:
    """One for administration, from the same file as the API's; without a file it does not start."""
    changes: dict[str, str | None] = {
        "SEAWALL_SINK_NAME": "shown",
        "SEAWALL_SINK_GROUP": "shown",
        "SEAWALL_SINK_METRICS_HOST": "0.0.0.0",
        "SEAWALL_SINK_METRICS_PORT": str(free_port()),
    }
    with running_sink(stack.connections, tmp_path, **changes) as process:
        assert process.wait(20) == 2
    assert "SEAWALL_API_KEYS_FILE" in (tmp_path / "sink.log").read_text()
    keys = {scope: new_key() for scope in Scope}
    file = tmp_path / "keys"
    file.write_text("\n".join(line_of(scope, [scope], key) for scope, key in keys.items()))
    url = f"http://127.0.0.1:{changes['SEAWALL_SINK_METRICS_PORT']}/metrics"
    with running_sink(stack.connections, tmp_path, **changes, SEAWALL_API_KEYS_FILE=str(file)):

        def status(key: str) -> int:
            try:
                return httpx.get(url, headers={"Authorization": f"Bearer {key}"}).status_code
            except httpx.TransportError:
                return 0

        eventually(lambda: status(keys[Scope.ADMIN]) == 200)
        assert status(keys[Scope.READ]) == 403
        assert status("wrong") == httpx.get(url).status_code == 401
        file.write_text(line_of("other", [Scope.ADMIN], new_key()))  # revoked at once
        assert status(keys[Scope.ADMIN]) == 401


@pytest.mark.long
def test_a_dead_letter_is_logged_with_the_id_of_its_record(stack: Stack, tmp_path: Path) -> None:
    """As a JSON object where that is set; of many only the first ten are, and how many more there are."""
    identity = new_record(USERS).id
    producer = Producer({**stack.connections.kafka, "acks": "all", "linger.ms": 100})
    for _ in range(12):
        producer.produce(topic_of(USERS), b"no record", str(identity), partition=0)
    producer.produce(topic_of(USERS), b"no record", b"\xff\nforged", partition=0)
    producer.flush(20)
    log = tmp_path / "sink.log"
    changes = {"SEAWALL_SINK_NAME": "json", "SEAWALL_SINK_GROUP": "json", "SEAWALL_LOG_FORMAT": "json"}
    with running_sink(stack.connections, tmp_path, **changes):
        eventually(lambda: "more dead letters in the same batch" in log.read_text())
    said = [json.loads(line) for line in log.read_text().splitlines()]
    letters = [one for one in said if one["message"].startswith("dead letter, from seawall.users[0] at ")]
    assert len(letters) >= 10
    assert {one["record_id"] for one in letters if "record_id" in one} == {str(identity)}
