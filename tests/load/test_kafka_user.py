"""Users that write straight to Kafka: what they write, what is recorded of it, and how they are refused."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np
import psutil
import pytest
from confluent_kafka import Message
from kafka_runs import RECORDS, WATCHING, Run, clients_of, create_topic, delete_topic, messages_of

from contract.codecs import JsonCodec
from contract.entities import ENTITIES, parse
from contract.topics import entity_of, topic_of
from seawall.audit.ledger import Ledger, read_ledger
from seawall.load.statuses import DENIED
from seawall.result import Outcome, Trial, read_result
from seawall.stack.ports import free_ports
from seawall.stack.stack import Stack

CODES = {Outcome.PASS: 0, Outcome.FAIL: 1, Outcome.INCONCLUSIVE: 3, Outcome.INVALID: 4}
TOPICS = [topic_of(ENTITIES[name]) for name in ("users", "products", "orders")]
"""Where mixed records go."""
USERS = 200
FOREIGN = """
import os
from locust import events, task
from seawall.load import KafkaUser

HEARD = []

@events.request.add_listener
def hear(request_type, exception, **rest):
    HEARD.append((request_type, exception is not None))

@events.quitting.add_listener
def tell(**rest):
    print("heard", {kind: HEARD.count(kind) for kind in set(HEARD)})

class Clicks(KafkaUser):
    topic = os.environ["TOPIC"]
    key, value = "k", {"a": 1}
    headers = {"source": "locust"}
    fixed_count = 4

    @task
    def click(self):
        assert self.produce().ok
        self.produce("ü", key=b"mine", headers=[("h", b"1"), ("h", b"2")], name="others", wait=False)
        assert self.produce(b"x" * 2_000_000).status == 413

class Lost(KafkaUser):
    topic = Clicks.topic
    fixed_count = 1

    @task
    def miss(self):
        self.produce("x", topic="elsewhere")
"""
WRONG = {
    "no broker": ("", {"SEAWALL_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9"}, "no Kafka answers at 127.0.0.1:9"),
    "a wrong password": ("connection = {**RIGHT, 'sasl.password': 'x'}", {}, "user, password or mechanism are wrong"),
    "no such topic": ("topic = 'not-there'", {}, "not-there; none is created"),
    "no topic at all": ("topic = ''", {}, "One.topic: name the topic"),
    "a clash of settings": ("acks = 1; linger_ms = -1", {}, "`idempotence = False` for 1; One.linger_ms: -1"),
    "two producers": ("\nclass Two(One):\n    compression = 'lz4'", {}, "differ in compression.type"),
    "a web address": ("", {"LOCUST_HOST": "http://127.0.0.1:9"}, "is no Kafka: give kafka://SERVER:PORT"),
    "no address": ("bootstrap_servers = ''", {"SEAWALL_HOME": "none"}, "no Kafka is known: start a stack"),
}


@dataclass
class Runs:
    """What ran at the same time, and what was seen of it meanwhile."""

    records: Run
    records_code: int = -1
    foreign: Run | None = None
    foreign_code: int = -1
    topic: str = ""
    clients: list[int] = field(default_factory=list)
    """How many producers and consumers each process had, the master's among them."""
    refused: dict[str, tuple[int, str]] = field(default_factory=dict)


@pytest.fixture(scope="module")
def runs(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """Let two workers write our records, one process those of others, and all that is refused be refused."""
    stack.fresh()
    place, topic, port = tmp_path_factory.mktemp("kafka"), f"tests-{uuid.uuid4()}", str(free_ports(1)[0])
    create_topic(stack, topic)
    load = ["--csv", "out", "--user-rate", "2"]
    found = Runs(
        Run(
            place / "records", RECORDS, "Records", *load, "-u", str(USERS), "-r", str(USERS), "-t", "5s",
            *("--processes", "2", "--master-port", port, "--master-bind-port", port),
        ),
        topic=topic,
    )  # fmt: skip
    (place / "foreign.py").write_text(FOREIGN)
    found.foreign = Run(place / "foreign", place / "foreign.py", *load, "-u", "5", "-r", "5", "-t", "4s", TOPIC=topic)
    wrong = {}
    for name, (words, settings, _) in WRONG.items():
        file = place / f"{name.replace(' ', '_')}.py"
        file.write_text(
            "from locust import task\nfrom seawall.load import KafkaUser\n"
            f"RIGHT = {stack.connections.kafka!r}\n"
            f"class One(KafkaUser):\n    topic = {topic!r}\n"
            f"    @task\n    def write(self): self.produce()\n    {words}\n"
        )
        wrong[name] = Run(place / name, file, "-u", "1", "-t", "1s", "--csv", "out", **settings)
    try:
        found.records.wait_for(lambda: sum(clients_of(found.records)) >= 4)
        found.clients = clients_of(found.records)
        found.records_code, found.foreign_code = found.records.end(), found.foreign.end()
        found.refused = {name: (run.end(), run.said()) for name, run in wrong.items()}
        yield found
    finally:
        for run in wrong.values():
            if run.process.poll() is None:
                run.end()
        delete_topic(stack, topic)


def trial_of(run: Run) -> Trial:
    """Return the trial of the run's result."""
    (trial,) = read_result(run.directory / "out_result.json").trials
    return trial


def names_of(ledger: Ledger) -> list[str]:
    """Return each request's endpoint."""
    return [ledger.endpoints[number] for number in ledger.endpoint]


def test_a_process_has_one_producer_and_one_consumer_beside_it(runs: Runs) -> None:
    """A master without any, two workers with a hundred users each, and for each worker a process that watches."""
    assert sorted(runs.clients) == [0, 1, 1, 1, 1]
    assert runs.records.record()["users"] == USERS
    assert not [one for one in psutil.process_iter(["cmdline"]) if WATCHING in (one.info["cmdline"] or [])]


def test_every_record_is_acknowledged_stored_and_judged(runs: Runs) -> None:
    """The audit follows records to their rows as it does those of the API, and the exit code is the verdict."""
    result, trial = read_result(runs.records.directory / "out_result.json"), trial_of(runs.records)
    assert runs.records_code == CODES[result.outcome], runs.records.said()
    assert result.arms[0].path == "kafka"
    assert trial.audit.clean, trial.audit
    assert trial.audit.stored == trial.audit.acknowledged == trial.audit.attempted > USERS
    assert set(trial.scopes) == {"write"}
    assert {row.name for row in trial.endpoints} == {f"KAFKA {topic}" for topic in TOPICS}
    assert trial.visible_by == "journal"
    assert trial.visible_ms.samples == trial.requests
    assert "Traceback" not in runs.records.said()


def test_a_consumer_has_seen_each_record_and_totals_leave_that_out(runs: Runs) -> None:
    """A row beside each request's, and in Locust's tables of their own type: the total is that of the requests."""
    ledger = read_ledger(runs.records.directory / "out_requests")
    seen = read_ledger(runs.records.directory / "out_requests" / "seen")
    assert set(ledger.status.tolist()) == {202}
    assert set(seen.status.tolist()) == {200}
    assert np.array_equal(np.sort(seen.low), np.sort(ledger.low))
    assert {user >> 16 for user in seen.user.tolist()} == {0, 1}
    assert (seen.answered_ns >= seen.sent_ns).all()
    assert runs.records.record()["requests"] == len(ledger.status)
    counted = {name: int(line["Request Count"]) for name, line in runs.records.table().items()}
    assert counted == {**Counter(names_of(ledger)), **Counter(names_of(seen)), "Aggregated": len(ledger.status)}
    trial = trial_of(runs.records)
    assert trial.end_to_end_ms.samples == trial.requests
    assert "end to end, from the intended time until a consumer had the record: p50" in runs.records.said()


def test_records_are_those_that_the_api_would_have_written(stack: Stack, runs: Runs) -> None:
    """Key, value, header and partition of a record equal those that the API gives to the same record."""
    run = read_ledger(runs.records.directory / "out_requests").run
    ours = [one for one in messages_of(stack, TOPICS) if uuid.UUID((one.key() or b"").decode()).int >> 64 == run.high]
    again: dict[str, list[Message]] = {}
    for message in ours:
        again.setdefault(message.topic() or "", []).append(message)
    assert set(again) == set(TOPICS)
    posted = {}
    for topic, messages in again.items():
        entity = entity_of(topic)
        for message in messages:
            value = message.value() or b""
            assert JsonCodec().encode(entity, parse(entity, value)) == value
        for message in messages[:3]:
            answer = httpx.post(
                f"{stack.state.api_url}/v1/kafka/{entity.name}", content=message.value() or b"",
                headers={"Content-Type": "application/json", **stack.api_headers},
            )  # fmt: skip
            assert answer.status_code == 202, answer.text
            posted[message.key()] = message
    twice = Counter((one.key(), one.value(), one.partition(), str(one.headers())) for one in messages_of(stack, TOPICS))
    assert {key for (key, *_), count in twice.items() if count == 2} == set(posted)


def test_a_topic_of_somebody_else_gets_what_tasks_say(stack: Stack, runs: Runs) -> None:
    """Values, keys and headers as given; refusals are told apart; nobody claims to have looked into a database."""
    run = runs.foreign
    assert run is not None
    found = messages_of(stack, [runs.topic])
    kinds = Counter((one.key(), one.value(), len(one.headers() or ())) for one in found)
    ledger = read_ledger(run.directory / "out_requests")
    statuses = Counter(zip(names_of(ledger), ledger.status.tolist(), strict=True))
    plain, others = statuses[f"KAFKA {runs.topic}", 202], statuses["KAFKA others", 202]
    assert kinds == {(b"k", b'{"a":1}', 2): plain, (b"mine", "ü".encode(), 3): others}
    assert statuses == {
        (f"KAFKA {runs.topic}", 202): plain, ("KAFKA others", 202): others,
        (f"KAFKA {runs.topic}", 413): statuses[f"KAFKA {runs.topic}", 413],
    }  # fmt: skip
    assert min(statuses.values()) >= 4
    result = read_result(run.directory / "out_result.json")
    assert runs.foreign_code == CODES[result.outcome], run.said()
    assert result.audit == "did not run (no request wrote a record)"
    assert trial_of(run).status_4xx > 0
    assert any("elsewhere is none of the topics" in reason for reason in result.reasons)
    seen = read_ledger(run.directory / "out_requests" / "seen")
    assert Counter(names_of(seen)) == {f"E2E {runs.topic}": plain, "E2E others": others}
    heard = next(line for line in run.said().splitlines() if line.startswith("heard"))
    assert f"('E2E', False): {plain + others}" in heard
    assert f"('KAFKA', True): {statuses[f'KAFKA {runs.topic}', 413]}" in heard


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_work_is_refused_before_any_load(runs: Runs, name: str) -> None:
    """Exit code 2 and words, and no user has started."""
    code, said = runs.refused[name]
    assert code == 2, said
    assert WRONG[name][2] in said
    assert "Ramping" not in said
    assert "Traceback" not in said


def test_a_refusal_is_told_from_what_nobody_knows() -> None:
    """A record that timed out may be there; one that is too large, or that was never sent, is not."""
    from confluent_kafka import KafkaError  # noqa: PLC0415

    from seawall.load.kafka.delivery import status_of  # noqa: PLC0415

    codes = {
        KafkaError._MSG_TIMED_OUT: 0, KafkaError._PURGE_INFLIGHT: 0, KafkaError._PURGE_QUEUE: 0,
        KafkaError.NOT_ENOUGH_REPLICAS_AFTER_APPEND: 0, KafkaError.MSG_SIZE_TOO_LARGE: 413,
        KafkaError.TOPIC_AUTHORIZATION_FAILED: 403, KafkaError._UNKNOWN_TOPIC: 404,
        KafkaError._QUEUE_FULL: 503 + DENIED,
    }  # fmt: skip
    assert {code: status_of(KafkaError(code)) for code in codes} == codes


def test_credentials_go_to_the_brokers_they_are_for(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Those of the stack only to its brokers, those of the settings only to the brokers that these name."""
    from seawall.load.kafka.brokers import connection_to  # noqa: PLC0415

    assert connection_to("", {}) == stack.connections.kafka
    assert connection_to("other:9092", {}) == {"bootstrap.servers": "other:9092"}
    monkeypatch.setenv("SEAWALL_KAFKA_SASL_USERNAME", "me")
    assert connection_to("other:9092", {}) == {"bootstrap.servers": "other:9092", "sasl.username": "me"}
    monkeypatch.setenv("SEAWALL_KAFKA_BOOTSTRAP_SERVERS", "mine:1")
    assert connection_to("", {}) == {"bootstrap.servers": "mine:1", "sasl.username": "me"}
    assert connection_to("other:9092", {}) == {"bootstrap.servers": "other:9092"}
    own = {"bootstrap.servers": "own:1", "ssl.ca.location": "/ca"}
    assert connection_to("", own) == own
    assert connection_to("own:2", own) == {**own, "bootstrap.servers": "own:2"}
