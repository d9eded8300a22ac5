"""One record's trace from Locust's client through API, Kafka and sink to the database."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from kept_traces import Kept, new_parent, running_receiver
from new_records import new_fields
from service_processes import eventually, free_port, running_api, running_sink

from contract.entities import ENTITIES
from contract.trace_context import read_traceparent
from seawall.observe.records import Peek
from seawall.observe.trace_file import TracedSpan
from seawall.stack.places import ROOT
from seawall.stack.stack import Stack

LOCUST = str(Path(sys.executable).with_name("locust"))
WAY = {
    "POST /v1/kafka/products": ("seawall-load", "client", ""),
    "POST /v1/kafka/products (server)": ("seawall-api", "server", "POST /v1/kafka/products"),
    "parse": ("seawall-api", "internal", "POST /v1/kafka/products (server)"),
    "publish seawall.products": ("seawall-api", "producer", "POST /v1/kafka/products (server)"),
    "process seawall.products": ("seawall-sink", "consumer", "publish seawall.products"),
    "receive": ("seawall-sink", "internal", "process seawall.products"),
    "decode": ("seawall-sink", "internal", "process seawall.products"),
    "COPY": ("seawall-sink", "client", "process seawall.products"),
    "commit offsets": ("seawall-sink", "internal", "process seawall.products"),
}
"""Each span's service, kind and parent."""
STRAIGHT = {
    "publish seawall.products": ("seawall-load", "producer", ""),
    **{name: span for name, span in WAY.items() if span[0] == "seawall-sink"},
}
"""The same of a record that goes straight to Kafka."""


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    """Run a receiver."""
    with running_receiver(tmp_path) as found:
        yield found


def named(span: TracedSpan) -> str:
    """Return the name of a span, the server's apart from the client's of the same name."""
    return f"{span.name} (server)" if span.kind == "server" else span.name


def locust(
    *arguments: str, cwd: Path, users: str = "ingest.py Writes", **settings: str
) -> subprocess.CompletedProcess[str]:
    """Run *users* of a locustfile that write products, for two seconds."""
    file, users = users.split()
    given = ["--headless", "-u", "1", "-t", "2s", "--entity", "products", *arguments]
    return subprocess.run(
        [LOCUST, "-f", str(ROOT / "locustfiles" / file), users, *given],
        cwd=cwd,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_record_has_one_trace_from_the_client_to_its_row(stack: Stack, kept: Kept, tmp_path: Path) -> None:
    """Its id is the same in all services and in Kafka's header, and each span's parent is the one before."""
    stack.fresh()
    with (
        running_sink(
            stack.connections, tmp_path, SEAWALL_SINK_GROUP="traced", SEAWALL_SINK_NAME="traced", **kept.settings
        ),
        running_api(stack.connections, tmp_path, **kept.settings) as (client, _),
    ):
        done = locust(
            "--no-verdict", "--trace-share", "1", "--user-rate", "2", "--host", str(client.base_url),
            cwd=tmp_path, **kept.settings,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        eventually(lambda: any(len(trace.spans) == len(WAY) for trace in kept.traces()), 30)
    trace = next(trace for trace in kept.traces() if len(trace.spans) == len(WAY))
    names = {span.span_id: named(span) for span in trace.spans}
    assert {named(span): (span.service, span.kind, names.get(span.parent_id, "")) for span in trace.spans} == WAY
    (record_id,) = trace.record_ids
    messages = Peek(stack.connections.kafka, "products").last(100)
    header = next(one.headers["traceparent"] for one in messages if one.key == record_id)
    context = read_traceparent(header.encode())
    assert context is not None
    assert (context.trace_id, names[context.span_id]) == (trace.trace_id, "publish seawall.products")
    with psycopg.connect(stack.connections.psycopg_url) as database:
        assert database.execute("SELECT 1 FROM products WHERE id = %s", [record_id]).fetchone()
    batch = next(one for one in kept.traces() if one.is_batch and trace.trace_id in one.spans[0].linked)
    process = next(span for span in trace.spans if span.kind == "consumer")
    assert process.linked == [batch.trace_id]
    stack.fresh()


def test_a_record_straight_to_kafka_has_one_trace_from_its_user_to_its_row(
    stack: Stack, kept: Kept, tmp_path: Path
) -> None:
    """It begins where the record is handed over, with the record's id, and the sink continues it."""
    stack.fresh()
    with running_sink(
        stack.connections, tmp_path, SEAWALL_SINK_GROUP="traced", SEAWALL_SINK_NAME="traced", **kept.settings
    ):
        done = locust(
            "--no-verdict", "--trace-share", "1", "--user-rate", "2",
            users="kafka.py Records", cwd=tmp_path, **kept.settings,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        eventually(lambda: any(len(trace.spans) == len(STRAIGHT) for trace in kept.traces()), 30)
    trace = next(trace for trace in kept.traces() if len(trace.spans) == len(STRAIGHT))
    names = {span.span_id: span.name for span in trace.spans}
    assert {span.name: (span.service, span.kind, names.get(span.parent_id, "")) for span in trace.spans} == STRAIGHT
    (record_id,) = trace.record_ids
    messages = Peek(stack.connections.kafka, "products").last(100)
    assert {one.headers["traceparent"].split("-")[1] for one in messages} >= {trace.trace_id}
    with psycopg.connect(stack.connections.psycopg_url) as database:
        assert database.execute("SELECT 1 FROM products WHERE id = %s", [record_id]).fetchone()
    stack.fresh()


def test_a_dead_letter_names_its_trace(stack: Stack, kept: Kept, tmp_path: Path) -> None:
    """In the sink's log, with the record's id; and the trace tells what became of it."""
    stack.fresh()
    fields, (trace_id, parent) = new_fields(ENTITIES["users"]), new_parent()
    group = {"SEAWALL_SINK_GROUP": "traced", "SEAWALL_SINK_NAME": "traced", "SEAWALL_LOG_FORMAT": "json"}
    with running_api(stack.connections, tmp_path, **kept.settings) as (client, _):
        assert client.post("/v1/sync/users", json={**fields, "name": "first"}).is_success
        assert client.post("/v1/kafka/users", json=fields, headers={"traceparent": parent}).is_success
    with running_sink(stack.connections, tmp_path, **group, **kept.settings):
        log = tmp_path / "sink.log"
        eventually(lambda: trace_id in log.read_text(), 30)
        eventually(lambda: "process seawall.users" in {span.name for span in kept.of_trace(trace_id)})
    said = [json.loads(line) for line in log.read_text().splitlines() if trace_id in line]
    assert [(line["trace_id"], line["record_id"]) for line in said] == [(trace_id, fields["id"])]
    assert "publish seawall.dead-letters" in {span.name for span in kept.of_trace(trace_id)}
    stack.fresh()


JUDGED = "give --no-verdict, or leave --trace-share out"


@pytest.mark.parametrize(
    ("users", "arguments", "says"),
    [
        ("ingest.py Writes", ["--trace-share", "0.5", "--csv", "out"], JUDGED),
        ("kafka.py Records", ["--trace-share", "0.5", "--csv", "out"], JUDGED),
        ("ingest.py Writes", ["--trace-share", "0.5"], "--trace-share needs somewhere to send traces"),
        pytest.param(
            "ingest.py Writes", ["--trace-share", "2"], "--trace-share must be from 0 to 1", marks=pytest.mark.long
        ),
    ],
)
@pytest.mark.usefixtures("stack")
def test_what_cannot_be_traced_is_refused_before_the_run(
    tmp_path: Path, users: str, arguments: list[str], says: str
) -> None:
    """With what to do instead, and exit code 2; a verdict is never about a run that was traced."""
    done = locust(*arguments, users=users, cwd=tmp_path)
    assert done.returncode == 2
    assert says in done.stderr
    assert not (tmp_path / "out_requests").exists()


def test_load_goes_on_without_its_collector(stack: Stack, tmp_path: Path) -> None:
    """No request fails, and the run ends in its time."""
    nobody = f"http://127.0.0.1:{free_port()}"
    done = locust(
        "--no-verdict", "--trace-share", "1", "--path", "sync", cwd=tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=nobody
    )
    assert done.returncode == 0, done.stderr
    stack.fresh()
