"""What an API process traces, and that nothing else becomes of it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from direct_peer import Peer, request
from kept_traces import SPAN_ID, Kept, new_parent, running_receiver
from new_records import new_fields
from service_processes import eventually, free_port, running_api

from contract.entities import ENTITIES
from seawall.stack.stack import Stack

USERS = ENTITIES["users"]
HOSTILE = [
    b"",
    b"00-" + b"0" * 32 + b"-00f067aa0ba902b7-01",
    b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
    b"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    b"\xff\xfe\x80",
    b"00-" + b"f" * 9_000,
    new_parent()[1].encode() + b"\r\ntraceparent: " + new_parent()[1].encode(),
]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    """Run a receiver for all tests here."""
    with running_receiver(tmp_path_factory.mktemp("receiver")) as found:
        yield found


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where the API below leaves its log."""
    return tmp_path_factory.mktemp("traced-api")


@pytest.fixture(scope="module")
def client(stack: Stack, kept: Kept, directory: Path) -> Iterator[httpx.Client]:
    """Run an API that traces what it is asked to trace."""
    with running_api(stack.connections, directory, SEAWALL_LOG_FORMAT="json", **kept.settings) as (found, _):
        yield found


def write(client: httpx.Client, path: str, fields: object, **headers: str) -> httpx.Response:
    """Send one of the users."""
    return client.post(f"/v1/{path}/users", json=fields, headers=headers)


@pytest.mark.parametrize(
    ("path", "stages"),
    [
        ("sync", ["parse", "wait for a connection", "INSERT users"]),
        ("grouped", ["parse", "wait for a batch", "INSERT"]),
        ("kafka", ["parse", "publish seawall.users"]),
    ],
)
def test_a_request_continues_its_callers_trace(client: httpx.Client, kept: Kept, path: str, stages: list[str]) -> None:
    """With a span of its own below the caller's, and one of each stage below that, none of which begins before it."""
    fields, (trace_id, parent) = new_fields(USERS), new_parent()
    assert write(client, path, fields, traceparent=parent).is_success
    eventually(lambda: len(kept.of_trace(trace_id)) == len(stages) + 1)
    server, *parts = kept.of_trace(trace_id)
    assert (server.name, server.kind, server.parent_id) == (f"POST /v1/{path}/users", "server", SPAN_ID)
    assert server.attributes["seawall.record.id"] == fields["id"]
    assert server.attributes["http.response.status_code"] in (201, 202)
    assert {span.parent_id for span in parts} == {server.span_id}
    assert [span.name for span in parts] == stages
    assert all(server.begun_ns <= span.begun_ns <= span.ended_ns <= server.ended_ns for span in parts)
    assert {span.service for span in parts} == {"seawall-api"}


def test_what_nobody_asks_for_leaves_nothing(client: httpx.Client, kept: Kept) -> None:
    """Neither a request without a trace, nor one of a trace that its beginner does not keep."""
    plain, unsampled, sampled = (new_fields(USERS) for _ in range(3))
    assert write(client, "kafka", plain).is_success
    assert write(client, "kafka", unsampled, traceparent=new_parent(sampled=False)[1]).is_success
    assert write(client, "kafka", sampled, traceparent=new_parent()[1]).is_success  # comes behind the others
    eventually(lambda: kept.of_record(sampled["id"]))
    assert kept.of_record(plain["id"]) is kept.of_record(unsampled["id"]) is None


@pytest.mark.parametrize("value", HOSTILE)
def test_a_hostile_header_is_passed_over(client: httpx.Client, kept: Kept, value: bytes) -> None:
    """The record is stored, or the head too long for anybody; the connection serves the next request."""
    fields, after = new_fields(USERS), new_fields(USERS)
    peer = Peer(client.base_url)
    peer.send(request(json.dumps(fields).encode(), extra=b"traceparent: " + value + b"\r\n"))
    assert peer.answer()[0] == 202
    peer.send(request(json.dumps(after).encode(), extra=b"traceparent: " + new_parent()[1].encode() + b"\r\n"))
    assert peer.answer()[0] == 202
    eventually(lambda: kept.of_record(after["id"]))
    assert kept.of_record(fields["id"]) is None


def test_what_is_refused_says_why(client: httpx.Client, kept: Kept, directory: Path) -> None:
    """In the trace, and in a line of the log with the trace's id and the record's."""
    fields, (other, parent) = new_fields(USERS), new_parent()
    assert write(client, "sync", fields).status_code == 201
    again = write(client, "sync", {**fields, "name": "another"}, traceparent=parent)
    assert again.status_code == 409
    eventually(lambda: len(kept.of_trace(other)) == 4)
    server = kept.of_trace(other)[0]
    assert server.attributes["seawall.problem"] == again.json()["detail"]
    (log,) = directory.glob("api-*.log")
    said = [json.loads(line) for line in log.read_text().splitlines() if other in line]
    assert [(line["trace_id"], line["record_id"]) for line in said] == [(other, fields["id"])]


def test_a_share_is_traced_unasked_but_no_stranger(stack: Stack, kept: Kept, tmp_path: Path) -> None:
    """Here all; whoever has no key leaves nothing, whatever it sends, and whoever says no is believed."""
    keys = str(Path(stack.state.data_dir) / "api-keys")
    settings = {"SEAWALL_TRACE_SHARE": "1", "SEAWALL_API_KEYS_FILE": keys, "SEAWALL_API_WITHOUT_KEYS": "false"}
    key = {"authorization": f"Bearer {stack.state.api_key}"}
    stranger, unsampled, first, second = (new_fields(USERS) for _ in range(4))
    foreign, parent = new_parent()
    with running_api(stack.connections, tmp_path, **settings, **kept.settings) as (client, _):
        assert write(client, "kafka", stranger, traceparent=parent).status_code == 401
        assert write(client, "kafka", unsampled, traceparent=new_parent(sampled=False)[1], **key).is_success
        assert all(write(client, "kafka", fields, **key).is_success for fields in (first, second))
    found = kept.of_record(first["id"]), kept.of_record(second["id"])  # sent before the process has ended
    assert found[0] is not None
    assert found[1] is not None
    assert found[0].trace_id != found[1].trace_id
    assert kept.of_record(unsampled["id"]) is None
    assert not kept.of_trace(foreign)


def test_a_collector_that_is_gone_harms_nothing(stack: Stack, tmp_path: Path) -> None:
    """Every request is answered, more of them than the queue holds, and the process ends with code 0."""
    nobody = f"http://127.0.0.1:{free_port()}"
    settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": nobody, "OTEL_BSP_MAX_QUEUE_SIZE": "20", "SEAWALL_TRACE_SHARE": "1"}
    settings |= {"OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "10", "OTEL_BSP_SCHEDULE_DELAY": "50"}
    with running_api(stack.connections, tmp_path, **settings) as (client, process):
        answers = [write(client, "kafka", new_fields(USERS)) for _ in range(50)]
        assert all(answer.status_code == 202 for answer in answers)
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("module", "settings", "says"),
    [
        ("api", {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "OTEL_EXPORTER_OTLP_PROTOCOL is grpc"),
        ("workers.sink", {"OTEL_EXPORTER_OTLP_ENDPOINT": "localhost:4318"}, "should look like http://host:4318"),
    ],
)
def test_what_is_not_spoken_is_said_at_the_start(module: str, settings: dict[str, str], says: str) -> None:
    """With what to set instead, and exit code 2."""
    named = {"SEAWALL_API_WITHOUT_KEYS": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", **settings}
    named |= {"SEAWALL_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/x", "SEAWALL_KAFKA_BOOTSTRAP_SERVERS": "a:1"}
    done = subprocess.run(
        [sys.executable, "-m", module],
        env={"PATH": "/usr/bin:/bin", **named},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert says in done.stderr


def test_without_a_collector_nothing_is_loaded() -> None:
    """What makes spans and sends them is not imported by whoever is not asked to trace."""
    look = "import sys, api.__main__, workers.sink.__main__, seawall.load; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, timeout=60, check=True)
    loaded = done.stdout.split()
    assert "contract.spans" in loaded
    assert not [name for name in loaded if name.startswith(("opentelemetry.sdk.trace", "opentelemetry.exporter"))]
