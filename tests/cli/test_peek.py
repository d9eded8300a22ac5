"""`peek`: records of a topic, decoded."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from confluent_kafka import Producer
from new_records import new_record
from test_app import seawall

from contract.entities import ENTITIES
from contract.topics import topic_of
from seawall.stack.stack import Stack

USERS = ENTITIES["users"]
TOPIC = topic_of(USERS)
BEGAN_MS = int(time.time() * 1_000) - 60_000


@pytest.fixture(scope="module")
def records(stack: Stack) -> Iterator[list[bytes]]:
    """Write twelve users, one after the other, spread over three partitions."""
    stack.fresh()
    values = [msgspec.json.encode(new_record(USERS, age=number)) for number in range(12)]
    producer = Producer({**stack.connections.kafka, "acks": "all"})
    for number, value in enumerate(values):
        key = json.loads(value)["id"]
        headers: list[tuple[str, str | bytes | None]] = [("codec", b"json")]
        producer.produce(TOPIC, value, key, partition=number % 3, headers=headers, timestamp=BEGAN_MS + number)
        producer.flush(20)
    yield values
    stack.fresh()


def peeked(*arguments: str) -> list[dict[str, Any]]:
    """Return the records that are shown."""
    done = seawall("peek", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def ages(found: list[dict[str, Any]]) -> list[int]:
    """Tell the records apart."""
    return [record["value"]["age"] for record in found]


def test_the_last_records_of_all_partitions_are_shown_by_their_times(records: list[bytes]) -> None:
    """With key, partition, offset, time and headers, decoded; the prefix of the topic may be left out."""
    found = peeked("users", "--last", "4")
    assert ages(found) == [8, 9, 10, 11]
    (*_, last) = found
    assert last["topic"] == TOPIC
    assert last["partition"] == 2
    assert last["key"] == last["value"]["id"]
    assert datetime.fromisoformat(last["time"]).timestamp() == pytest.approx((BEGAN_MS + 11) / 1_000, abs=1e-4)
    assert last["headers"] == {"codec": "json"}
    assert last["decoded"] is True
    assert ages(peeked(TOPIC)) == list(range(2, 12))


@pytest.mark.long
def test_the_first_records_and_those_of_one_partition(records: list[bytes]) -> None:
    """The oldest that are left; more than there are is all there are."""
    assert ages(peeked("users", "--first", "5")) == [0, 1, 2, 3, 4]
    assert ages(peeked("users", "--partition", "1", "--last", "100")) == [1, 4, 7, 10]
    assert peeked("orders") == []


@pytest.mark.long
def test_people_see_a_line_of_what_stands_around_a_record_and_one_of_it(records: list[bytes]) -> None:
    """Whole, however wide the terminal."""
    done = seawall("peek", "users", "--last", "1", COLUMNS="40")
    head, value = done.stdout.splitlines()
    assert head.startswith("2:")
    assert "codec=json" in head
    assert json.loads(value) == json.loads(records[-1])


@pytest.mark.long
def test_what_is_no_json_is_shown_as_it_is(stack: Stack) -> None:
    """Text, bytes, and nothing; a dead letter carries its reason."""
    producer = Producer({**stack.connections.kafka, "acks": "all"})
    for number, value in enumerate((b"no json", b"\xff\x00", None)):
        producer.produce(topic_of(ENTITIES["products"]), value, b"\xfe", partition=0, timestamp=BEGAN_MS + number)
    producer.flush(20)
    found = peeked("products")
    assert [(record["value"], record["decoded"], record["key"]) for record in found] == [
        ("no json", False, "0xfe"),
        ("0xff00", False, "0xfe"),
        (None, False, "0xfe"),
    ]
    assert "(no JSON) no json" in seawall("peek", "products").stdout


@pytest.mark.long
def test_follow_shows_what_comes_until_ctrl_c(stack: Stack, records: list[bytes]) -> None:
    """Nothing twice, and an exit code of 0."""
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "seawall.cli", "peek", "users", "--last", "1", "--follow", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["value"]["age"] == 11
        producer = Producer({**stack.connections.kafka, "acks": "all"})
        producer.produce(TOPIC, msgspec.json.encode(new_record(USERS, age=99)), b"key")
        producer.flush(20)
        assert json.loads(process.stdout.readline())["value"]["age"] == 99
        process.send_signal(signal.SIGINT)
        rest, said = process.communicate(timeout=30)
    assert (process.returncode, rest, said) == (0, "", "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["cats"], "no topic is called 'cats'; there are seawall.dead-letters, seawall.orders", id="topic"),
        pytest.param(
            ["users", "--partition", "7"],
            "seawall.users has no partition 7; it has 0 to 2",
            id="partition",
            marks=pytest.mark.long,
        ),
        pytest.param(
            ["users", "--first", "1", "--follow"],
            "goes neither with --last nor with --follow",
            id="both",
            marks=pytest.mark.long,
        ),
    ],
)
def test_what_is_not_there_is_refused_with_what_is(stack: Stack, arguments: list[str], said: str) -> None:
    """Exit code 2."""
    done = seawall("peek", *arguments)
    assert done.returncode == 2
    assert said in done.stderr


@pytest.mark.long
def test_without_a_log_it_says_what_to_do(tmp_path: Path) -> None:
    """Neither a stack nor brokers of one's own; or brokers that do not answer."""
    done = seawall("peek", "users", SEAWALL_HOME=str(tmp_path))
    assert done.returncode == 2
    assert "SEAWALL_KAFKA_BOOTSTRAP_SERVERS" in done.stderr
    done = seawall("peek", "users", SEAWALL_HOME=str(tmp_path), SEAWALL_KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1")
    assert done.returncode == 2
    assert "Kafka does not answer" in done.stderr
