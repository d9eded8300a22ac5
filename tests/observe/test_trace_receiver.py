"""What keeps traces where there is no collector, and what is read of them."""

from __future__ import annotations

import gzip
import http.client
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from kept_traces import Kept, running_receiver
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from seawall.observe.trace_file import find_traces, older_file, read_traces
from seawall.observe.trace_receiver import TraceFile, line_of

PROTOBUF = {"content-type": "application/x-protobuf"}


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    """Run a receiver for all tests here."""
    with running_receiver(tmp_path_factory.mktemp("receiver")) as found:
        yield found


def export(number: int, *spans: Span) -> bytes:
    """Return what an exporter would send: a span with that number for its ids, or *spans*."""
    request = ExportTraceServiceRequest()
    of_resource = request.resource_spans.add()
    of_resource.resource.attributes.add(key="service.name").value.string_value = "a service"
    of_resource.scope_spans.add().spans.extend(spans or [span(number, 1)])
    return request.SerializeToString()


def span(trace: int, own: int, parent: int = 0, *, begins: int = 0) -> Span:
    """Return a span of a millisecond."""
    found = Span(
        trace_id=trace.to_bytes(16, "big"),
        span_id=own.to_bytes(8, "big"),
        name=f"span {own}",
        kind=Span.SPAN_KIND_SERVER,
        start_time_unix_nano=begins,
        end_time_unix_nano=begins + 10**6,
    )
    if parent:
        found.parent_span_id = parent.to_bytes(8, "big")
    found.attributes.add(key="seawall.record.id").value.string_value = f"record-{trace}"
    found.attributes.add(key="count").value.int_value = 7
    return found


def test_what_is_sent_is_kept_in_the_collectors_own_format(kept: Kept) -> None:
    """With ids in hexadecimal digits and kinds as numbers; compressed or not."""
    for encoding, body in (("identity", export(1)), ("gzip", gzip.compress(export(2)))):
        headers = {**PROTOBUF, "content-encoding": encoding}
        answer = httpx.post(f"{kept.url}/v1/traces", content=body, headers=headers)
        assert (answer.status_code, answer.content) == (200, b"")
    lines = [json.loads(line) for line in kept.file.read_bytes().splitlines()]
    (written,) = lines[0]["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert (written["traceId"], written["spanId"], written["kind"]) == (f"{1:032x}", f"{1:016x}", 2)
    first, second = kept.traces()
    assert [first.trace_id, second.trace_id] == [f"{1:032x}", f"{2:032x}"]
    assert (first.services, first.record_ids, first.duration_ms) == (["a service"], ["record-1"], 1.0)
    assert first.spans[0].attributes["count"] == 7


@pytest.mark.parametrize(
    ("path", "content", "headers", "status"),
    [
        ("/v1/metrics", b"", PROTOBUF, 404),
        ("/v1/traces", b"{}", {"content-type": "application/json"}, 415),
        ("/v1/traces", b"no protobuf at all", PROTOBUF, 400),
        ("/v1/traces", b"no gzip", {**PROTOBUF, "content-encoding": "gzip"}, 400),
        ("/v1/traces", gzip.compress(bytes(65 * 2**20), 1), {**PROTOBUF, "content-encoding": "gzip"}, 400),
        ("/v1/traces", b"x", {**PROTOBUF, "content-encoding": "br"}, 400),
    ],
    ids=["another signal", "JSON", "no protobuf", "no gzip", "a bomb", "another compression"],
)
def test_what_is_no_trace_is_refused(
    kept: Kept, path: str, content: bytes, headers: dict[str, str], status: int
) -> None:
    """And leaves nothing behind."""
    before = kept.file.read_bytes() if kept.file.exists() else b""
    assert httpx.post(f"{kept.url}{path}", content=content, headers=headers).status_code == status
    assert (kept.file.read_bytes() if kept.file.exists() else b"") == before


def test_a_body_that_is_too_long_is_not_read(kept: Kept) -> None:
    """By its announced length alone."""
    place = httpx.URL(kept.url)
    peer = http.client.HTTPConnection(place.host, place.port, timeout=20)
    peer.putrequest("POST", "/v1/traces")
    for name, value in {**PROTOBUF, "content-length": str(17 * 2**20)}.items():
        peer.putheader(name, value)
    peer.endheaders()
    assert peer.getresponse().status == 413
    peer.close()


def test_a_file_does_not_grow_without_end(tmp_path: Path) -> None:
    """The older half goes, the newer stays to be read."""
    path = tmp_path / "traces.jsonl"
    lines = [line_of(export(number)) for number in range(1, 11)]
    kept = TraceFile(path, most_bytes=3 * len(lines[0]) + 10)
    for line in lines:
        kept.add(line)
    assert path.stat().st_size + older_file(path).stat().st_size <= 6 * len(lines[-1]) + 20
    found = [int(trace.trace_id, 16) for trace in read_traces(path)]
    assert found == list(range(11 - len(found), 11))
    assert len(found) > 3


def test_a_tree_has_parents_before_their_parts(tmp_path: Path) -> None:
    """Each part below its own parent, in the order of time; what has none that is known stands at the top."""
    path = tmp_path / "traces.jsonl"
    spans = [span(1, 4, 2, begins=9), span(1, 3, 2, begins=5), span(1, 2, 77, begins=4), span(1, 5, begins=6)]
    path.write_bytes(line_of(export(1, *spans)) + b"\n" + line_of(export(2))[:-40])  # the last is half written
    (trace,) = read_traces(path)
    assert [(depth, one.name) for depth, one in trace.tree()] == [
        (0, "span 2"),
        (1, "span 3"),
        (1, "span 4"),
        (0, "span 5"),
    ]


def test_what_strangers_write_moves_no_cursor(tmp_path: Path) -> None:
    """A record's id is its key in Kafka, which may be anything."""
    path, hostile = tmp_path / "traces.jsonl", span(1, 1)
    hostile.attributes.add(key="seawall.problem").value.string_value = "a\x1b[2Jb\n"
    path.write_bytes(line_of(export(1, hostile)))
    assert read_traces(path)[0].spans[0].attributes["seawall.problem"] == "a\ufffd[2Jb\ufffd"


def test_a_trace_is_found_by_its_ids(tmp_path: Path) -> None:
    """The beginning of its own, or the whole one of a record."""
    path = tmp_path / "traces.jsonl"
    path.write_bytes(line_of(export(0x1F << 120)) + b"\n" + line_of(export(0x1E << 120)))
    traces = read_traces(path)
    assert len(find_traces(traces, "1")) == 2
    assert [trace.trace_id[:2] for trace in find_traces(traces, "1F")] == ["1f"]
    assert [trace.trace_id[:2] for trace in find_traces(traces, f"record-{0x1E << 120}")] == ["1e"]
    assert not find_traces(traces, "record-")
