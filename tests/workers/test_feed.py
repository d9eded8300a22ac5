"""A feed process on the real log and the real database: what it sends, to whom, and how it ends."""

from __future__ import annotations

import contextlib
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import httpx
import metrics_page
import pytest
from new_records import new_fields
from service_processes import _environment, eventually, free_port, running

from contract.api_keys import Scope, line_of, new_key
from contract.entities import ENTITIES
from contract.ids import base_id
from seawall.load.feed.frames import FeedFrame
from seawall.load.feed.streams import NotSubscribed, Stream, StreamEnded, open_stream
from seawall.stack.stack import Stack

ORDERS, USERS = ENTITIES["orders"], ENTITIES["users"]
BUYER, OTHER = str(base_id(1, 2)), str(base_id(2, 2))


class Running:
    """A feed process, and the key to it."""

    def __init__(self, process: subprocess.Popen[bytes], url: str, metrics_url: str, keys: Path, key: str) -> None:
        self.process, self.url, self.metrics_url, self.keys = process, url, metrics_url, keys
        self.headers = {"Authorization": f"Bearer {key}"}

    def open(self, protocol: str, after: str = "", **parameters: str) -> Stream:
        """Subscribe."""
        headers = {**self.headers, **({"Last-Event-ID": after} if after else {})}
        return open_stream(protocol, self.url, parameters, headers)

    def open_silent(self, protocol: str, **parameters: str) -> Stream:
        """Subscribe without a mind to read."""
        return open_stream(protocol, self.url, parameters, self.headers, silent=True)


@contextlib.contextmanager
def running_feed(stack: Stack, directory: Path, **changes: str) -> Iterator[Running]:
    """Run one, which is ready."""
    port, metrics_port, key = free_port(), free_port(), new_key()
    keys = directory / f"keys-{port}"
    keys.write_text(line_of("reader", [Scope.READ], key) + "\n")
    environment = _environment(
        stack.connections,
        {
            "SEAWALL_FEED_PORT": str(port), "SEAWALL_FEED_METRICS_PORT": str(metrics_port),
            "SEAWALL_API_KEYS_FILE": str(keys), "SEAWALL_API_WITHOUT_KEYS": None, **changes,
        },
    )  # fmt: skip
    log = directory / f"feed-{port}.log"
    url = f"http://127.0.0.1:{port}"
    with running("workers.feed", environment, log) as process:

        def is_ready() -> bool:
            assert process.poll() is None, log.read_text()
            with contextlib.suppress(httpx.TransportError):
                return httpx.get(f"{url}/readyz", timeout=20).is_success
            return False

        eventually(is_ready, 60.0)
        yield Running(process, url, f"http://127.0.0.1:{metrics_port}/metrics", keys, key)


@pytest.fixture(scope="module")
def feed(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One for most tests; little may wait for a subscriber, and little is kept in memory."""
    settings = {
        "SEAWALL_FEED_QUEUE_BYTES": "20000", "SEAWALL_FEED_SEND_BUFFER_BYTES": "4096",
        "SEAWALL_FEED_RECENT_RECORDS": "30", "SEAWALL_FEED_FAREWELL_S": "0.5", "SEAWALL_FEED_HEARTBEAT_S": "1",
    }  # fmt: skip
    with running_feed(stack, tmp_path_factory.mktemp("feed"), **settings) as found:
        yield found


def written(stack: Stack, count: int, path: str = "kafka", **changes: str) -> list[UUID]:
    """Write orders one after the other, and return their ids."""
    found = []
    with httpx.Client(base_url=stack.state.api_url, headers=stack.api_headers, timeout=20) as client:
        for _ in range(count):
            fields = new_fields(ORDERS, **{"user_id": BUYER, **changes})
            client.post(f"/v1/{path}/orders", json=fields).raise_for_status()
            found.append(UUID(fields["id"]))
    return found


def taken(stream: Stream, count: int) -> tuple[list[UUID], str]:
    """Return the next *count* records' ids, and the last id of the stream."""
    found: list[UUID] = []
    last = ""
    while len(found) < count:
        frame: FeedFrame = stream.next()[1]
        found += [one.record.id for one in frame.records]
        last = frame.id
    return found, last


def ended(stream: Stream) -> None:
    """Read to the end, which is raised."""
    while True:
        stream.next()


@pytest.mark.parametrize("protocol", ["websocket", "sse"])
def test_a_subscriber_gets_its_records_and_comes_back_to_those_it_missed(
    stack: Stack, feed: Running, protocol: str
) -> None:
    """Each once: from memory where that reaches back so far, else from the log; and then what comes now."""
    stream = feed.open(protocol, entity="orders", user=BUYER)
    hello = stream.next()[1]
    assert hello.records == []
    first = written(stack, 2)
    written(stack, 1, user_id=OTHER)
    got, last = taken(stream, 2)
    assert set(got) == set(first)
    stream.close()
    few = written(stack, 2)
    stream = feed.open(protocol, last, entity="orders", user=BUYER)
    got, last = taken(stream, 2)
    assert set(got) == set(few)
    stream.close()
    many = written(stack, 60)  # more than memory holds
    stream = feed.open(protocol, last, entity="orders", user=BUYER)
    got, _ = taken(stream, 60)
    assert sorted(got) == sorted(many)
    now = written(stack, 1)
    assert taken(stream, 1)[0] == now
    stream.close()


def test_records_of_a_partition_come_in_the_order_of_the_log(stack: Stack, feed: Running) -> None:
    """To one who follows everything; a position that is kept from the beginning shows it all once more, the same."""
    stream = feed.open("websocket")
    begin = stream.next()[1].id
    ids = written(stack, 20)
    for read in (stream, feed.open("sse", begin)):
        offsets: dict[int, list[int]] = {}
        seen: list[UUID] = []
        while len(seen) < 20:
            for one in read.next()[1].records:
                offsets.setdefault(one.partition, []).append(one.offset)
                seen.append(one.record.id)
        assert sorted(seen) == sorted(ids)
        assert all(found == sorted(set(found)) for found in offsets.values())
        read.close()


def test_who_never_reads_is_let_go_and_the_others_miss_nothing(stack: Stack, feed: Running) -> None:
    """Its connection is cut when it does not even take the word why, and that is counted."""
    silent = [feed.open_silent(protocol, entity="orders") for protocol in ("websocket", "sse")]
    reader = feed.open("websocket", entity="orders")
    reader.next()
    ids = written(stack, 60, note="n" * 4_000)
    assert sorted(taken(reader, 60)[0]) == sorted(ids)

    def let_go() -> bool:
        said = httpx.get(feed.metrics_url, timeout=20).text
        return 'seawall_feed_ended_total{reason="too_slow"} 2.0' in said and "seawall_feed_aborted_total 2.0" in said

    eventually(let_go)
    for stream in silent:
        stream.close()
    reader.close()


@pytest.mark.parametrize("protocol", ["websocket", "sse"])
def test_who_reads_late_gets_everything_in_order(stack: Stack, feed: Running, protocol: str) -> None:
    """What found no room in the connection goes as soon as there is some, and what comes then stays behind it."""
    late = feed.open_silent(protocol, entity="orders", user=BUYER)
    ids: list[UUID] = []

    def waits() -> int:
        page = httpx.get(feed.metrics_url, timeout=20).text
        counts = dict(re.findall(r'^seawall_feed_records_total{what="(\w+)"} (\S+)$', page, re.MULTILINE))
        return round(float(counts["offered"]) - float(counts["sent"]))

    before = waits()
    while waits() <= before:
        ids += written(stack, 1, note="n" * 4_000)
        assert len(ids) < 60
        time.sleep(0.05)
    ids += written(stack, 3)
    offsets: dict[int, list[int]] = {}
    seen: list[UUID] = []
    while len(seen) < len(ids):
        for one in late.next()[1].records:
            offsets.setdefault(one.partition, []).append(one.offset)
            seen.append(one.record.id)
    assert sorted(seen) == sorted(ids)
    assert all(found == sorted(set(found)) for found in offsets.values())
    ids = written(stack, 1)
    assert taken(late, 1)[0] == ids
    late.close()
    eventually(lambda: waits() == before)


def test_its_head_can_be_asked_for_alone(feed: Running) -> None:
    """It opens no subscription, and needs the key as well."""
    answer = httpx.head(f"{feed.url}/v1/feed", headers=feed.headers, timeout=20)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert httpx.head(f"{feed.url}/v1/feed", timeout=20).status_code == 401


def test_the_database_can_be_asked_again_and_again_in_its_place(stack: Stack, tmp_path: Path) -> None:
    """The position is a snapshot, and one who comes back gets what was committed since, once."""
    settings = {"SEAWALL_FEED_SOURCE": "database", "SEAWALL_FEED_POLL_MS": "50"}
    with running_feed(stack, tmp_path, **settings) as feed:
        stream = feed.open("websocket", entity="orders", user=BUYER)
        stream.next()
        ids = written(stack, 5, "sync")
        written(stack, 1, "sync", user_id=OTHER)
        got, last = taken(stream, 5)
        assert sorted(got) == sorted(ids)
        stream.close()
        ids = written(stack, 3, "grouped")
        stream = feed.open("sse", last, entity="orders", user=BUYER)
        assert sorted(taken(stream, 3)[0]) == sorted(ids)
        stream.close()
        with pytest.raises(NotSubscribed, match="422: after: no position"):
            feed.open("websocket", "orders.1.2.3", entity="orders")


@pytest.mark.parametrize("protocol", ["websocket", "sse"])
@pytest.mark.parametrize(
    ("parameters", "after", "says"),
    [
        ({"entity": "dance"}, "", "422: entity: unknown 'dance'"),
        ({"user": "me"}, "", "422: user: no UUID"),
        ({"colour": "red"}, "", "422: unknown 'colour'"),
        ({}, "nowhere", "422: after: no position"),
        ({"entity": "users"}, "users.99999999.0.0", "422: after: the position lies ahead"),
    ],
)
def test_what_cannot_be_had_is_refused(
    feed: Running, protocol: str, parameters: dict[str, str], after: str, says: str
) -> None:
    """By a problem document, in place of the WebSocket as well."""
    with pytest.raises(NotSubscribed, match=says):
        feed.open(protocol, after, **parameters)


def test_a_key_is_needed_and_one_that_is_revoked_ends_what_it_opened(feed: Running, stack: Stack) -> None:
    """As with the API, from the same file."""
    for headers in ({}, {"Authorization": "Bearer seawall_wrong"}):
        for protocol in ("websocket", "sse"):
            with pytest.raises(NotSubscribed, match="401: "):
                open_stream(protocol, feed.url, {}, headers)
    kept = feed.keys.read_text()
    stream = feed.open("websocket")
    stream.next()
    feed.keys.write_text(line_of("another", [Scope.READ], new_key()) + "\n")
    with pytest.raises(StreamEnded, match="1008: the key is not valid any more"):
        ended(stream)
    feed.keys.write_text(kept)

    def is_let_in() -> bool:
        with contextlib.suppress(NotSubscribed):
            feed.open("sse").close()
            return True
        return False

    eventually(is_let_in)


def test_who_is_quiet_hears_how_far_it_is(feed: Running) -> None:
    """So that it goes on from there, and not from where the last record was."""
    stream = feed.open("sse", entity="users")
    first, second = stream.next()[1], stream.next()[1]
    assert (first.records, second.records) == ([], [])
    assert second.id
    stream.close()


def test_a_connection_that_says_nothing_or_too_much_is_cut(feed: Running) -> None:
    """A head of any length would take memory for nothing."""
    host, port = feed.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        with contextlib.suppress(OSError):
            connection.sendall(b"GET /v1/feed HTTP/1.1\r\nx: " + b"y" * 200_000)
        with contextlib.suppress(ConnectionResetError):
            assert connection.recv(1_000) == b""


def test_the_page_of_metrics_names_those_of_the_feed(feed: Running) -> None:
    """What a running process shows is what stands there, both ways."""
    metrics_page.check(feed.metrics_url, "Feed")


def test_at_sigterm_all_are_told_and_the_process_ends(feed: Running) -> None:
    """1001, going away; nobody is let in any more, and the exit code is 0. The last test of this process."""
    websocket, events = feed.open("websocket"), feed.open("sse")
    for stream in (websocket, events):
        stream.next()
    feed.process.send_signal(signal.SIGTERM)
    with pytest.raises(StreamEnded, match="1001: the feed goes away"):
        ended(websocket)
    with pytest.raises(StreamEnded, match="1000: the feed goes away"):
        ended(events)
    begun_s = time.monotonic()
    assert feed.process.wait(20) == 0
    assert time.monotonic() - begun_s < 20
