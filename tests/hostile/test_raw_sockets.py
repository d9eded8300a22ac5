"""Requests that no client would send: none of them ends in a fault, in a row, or in a server that serves no more."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import httpx
import msgspec
import psutil
import psycopg
import pytest
from new_records import new_record
from raw import Peer
from service_processes import eventually, running_api

from benchmarks.hostile_requests import CLOSED, Attack, attacks, bodies
from contract.api_keys import Scope, line_of, new_key
from contract.entities import ENTITIES
from seawall.stack.stack import Stack

USERS = ENTITIES["users"]
KEY = new_key()
KEEP_ALIVE_S = 1
REQUEST_S = 0.5
PATIENCE_S = 20.0
"""Longer than any machine stands still: what was to come by then does not."""
NAMES = list(attacks(KEY, msgspec.json.encode(new_record(USERS)), b""))
BODIES = list(bodies(msgspec.json.encode(new_record(USERS))))


class Made(NamedTuple):
    """Attacks with two records of their own, which would be stored if they got through."""

    ids: list[UUID]
    by_name: dict[str, Attack]

    @classmethod
    def anew(cls) -> Made:
        """Return attacks that no test has made."""
        records = new_record(USERS), new_record(USERS)
        one, other = map(msgspec.json.encode, records)
        return cls([record.id for record in records], attacks(KEY, one, other))


class Target(NamedTuple):
    """An API that is attacked."""

    host: str
    port: int
    process: psutil.Process
    stack: Stack

    def peer(self) -> Peer:
        """Return a new connection."""
        return Peer(self.host, self.port)

    def is_well(self) -> bool:
        """Tell whether somebody else is served."""
        answer = httpx.get(f"http://{self.host}:{self.port}/livez", timeout=5)
        return answer.status_code == httpx.codes.OK

    def is_stored(self, ids: list[UUID]) -> bool:
        """Tell whether one of these records has a row."""
        with psycopg.connect(self.stack.connections.psycopg_url) as database:
            return database.execute("SELECT 1 FROM users WHERE id = ANY(%s)", [ids]).fetchone() is not None


@pytest.fixture(scope="module")
def target(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """Run an API of our own that waits for nobody for long."""
    directory: Path = tmp_path_factory.mktemp("hostile")
    (directory / "keys").write_text(line_of("tests", [Scope.WRITE, Scope.READ], KEY))
    settings = {
        "SEAWALL_API_WITHOUT_KEYS": None,
        "SEAWALL_API_KEYS_FILE": str(directory / "keys"),
        "SEAWALL_API_REQUEST_S": str(REQUEST_S),
        "SEAWALL_API_KEEP_ALIVE_S": str(KEEP_ALIVE_S),
        "SEAWALL_API_CONNECTIONS": "40",
    }
    with running_api(stack.connections, directory, **settings) as (client, process):
        eventually(lambda: client.get("/readyz").is_success)
        url = client.base_url
        yield Target(url.host, url.port or 80, psutil.Process(process.pid), stack)
    stack.fresh()


@pytest.mark.parametrize("name", NAMES)
def test_it_is_refused_and_nothing_is_stored(target: Target, name: str) -> None:
    """The first answer is one that is allowed, none is a fault, and the service goes on."""
    made = Made.anew()
    attack = made.by_name[name]
    peer = target.peer()
    peer.send(attack.sent)
    statuses = peer.statuses(PATIENCE_S)
    peer.close()
    assert statuses
    assert statuses[0] in attack.allowed, statuses
    assert not [status for status in statuses if status >= 500]
    assert target.is_well()
    if 201 not in attack.allowed:
        assert not target.is_stored(made.ids)


@pytest.mark.parametrize("path", ["sync", "kafka"])
@pytest.mark.parametrize("name", BODIES)
def test_a_body_is_refused_by_the_other_paths_too(target: Target, path: str, name: str) -> None:
    """`kafka` takes the short cut, `sync` the long way."""
    body = bodies(msgspec.json.encode(new_record(USERS)))[name]
    peer = target.peer()
    head = f"POST /v1/{path}/users HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {KEY}\r\n"
    peer.send(f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
    assert peer.statuses()[0] in (400, 413, 422)
    peer.close()


def test_a_head_that_comes_slowly_ends_in_time(target: Target) -> None:
    """However steadily it comes."""
    peer = target.peer()
    took_s = peer.slowly(b"GET /livez HTTP/1.1\r\n" + b"X: y\r\n" * 1_000, 0.05)
    assert REQUEST_S * 0.9 <= took_s < REQUEST_S + PATIENCE_S
    assert peer.statuses()[:1] in ([408], [CLOSED])  # the answer may be lost with what was sent behind it
    peer.close()


@pytest.mark.parametrize("path", ["sync", "kafka"])
def test_a_body_that_comes_slowly_ends_in_time(target: Target, path: str) -> None:
    """By the short cut and by the long way."""
    peer = target.peer()
    head = f"POST /v1/{path}/users HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {KEY}\r\n"
    peer.send(f"{head}Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n".encode())
    assert REQUEST_S * 0.9 <= peer.slowly(b"x" * 1_000, 0.05) < REQUEST_S + PATIENCE_S
    peer.close()


def test_a_connection_that_sends_nothing_is_idle(target: Target) -> None:
    """And so is closed as others are."""
    peer = target.peer()
    begun = time.monotonic()
    assert peer.statuses(2 * PATIENCE_S) == [CLOSED]
    assert KEEP_ALIVE_S - 0.5 < time.monotonic() - begun < KEEP_ALIVE_S + PATIENCE_S
    peer.close()


def test_a_client_that_does_not_read_is_let_go(target: Target) -> None:
    """After it was waited for, whatever it still wants to be told."""
    files = target.process.num_fds()
    peer = target.peer()
    peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    peer.socket.settimeout(REQUEST_S)
    request = f"GET /v1/analytics/top-products HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {KEY}\r\n\r\n".encode()
    with contextlib.suppress(OSError):  # until nothing is taken any more
        while True:
            peer.socket.send(request * 50)
    eventually(lambda: target.process.num_fds() <= files, PATIENCE_S)
    peer.close()
    assert target.is_well()


def test_pipelined_requests_are_answered_in_order_and_bounded(target: Target) -> None:
    """A thousand at once on one connection."""
    peer = target.peer()
    peer.send(b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n" * 1_000)
    assert peer.statuses(5) == [200] * 1_000
    peer.close()


def test_clients_that_leave_early_leave_nothing(target: Target) -> None:
    """In the middle of a head, of a body, or before the answer."""
    files = target.process.num_fds()
    whole = Made.anew().by_name["nothing"].sent.replace(b"Content-Length: 0", b"Content-Length: 500") + b"x" * 500
    for number in range(300):
        peer = target.peer()
        peer.send(whole[: 1 + number * len(whole) // 300])
        peer.close()
    eventually(lambda: target.process.num_fds() <= files + 2)
    assert target.is_well()


def test_more_connections_than_allowed_are_told_so(target: Target) -> None:
    """With 503, and those that are there go on."""
    first = target.peer()
    peers = [target.peer() for _ in range(50)]
    first.send(b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n")
    assert first.statuses(PATIENCE_S)[:1] == [200]
    turned_away = [peer for peer in peers if peer.statuses(PATIENCE_S)[:1] == [503]]
    assert len(turned_away) >= 10
    for peer in [first, *peers]:
        peer.close()
    eventually(target.is_well)


@pytest.mark.parametrize("sent", [b"\r\n", b"\r\n" * 1_000])
def test_line_ends_are_no_request(target: Target, sent: bytes) -> None:
    """Whoever sends nothing else is idle."""
    peer = target.peer()
    begun = time.monotonic()
    peer.send(sent)
    assert peer.statuses(2 * PATIENCE_S) == [CLOSED]
    assert time.monotonic() - begun < KEEP_ALIVE_S + PATIENCE_S
    peer.close()


def test_an_answer_before_the_end_of_a_request_leaves_an_idle_connection(target: Target) -> None:
    """The body may still come; then another request, or the end."""
    peer = target.peer()
    peer.send(b"POST /v1/sync/users HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n")
    assert peer.statuses(PATIENCE_S) == [401]
    peer.send(b"0123456789")
    begun = time.monotonic()
    assert peer.statuses(2 * PATIENCE_S) == [CLOSED]
    assert time.monotonic() - begun < KEEP_ALIVE_S + PATIENCE_S
    peer.close()


def test_a_client_that_reads_nothing_of_a_little_is_let_go(target: Target) -> None:
    """Though what waits for it is far below what makes a server stop writing."""
    files = target.process.num_fds()
    peer = target.peer()
    peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    one = b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"
    peer.socket.settimeout(0.3)
    with contextlib.suppress(OSError):
        for _ in range(3_000):
            peer.socket.send(one)
    eventually(lambda: target.process.num_fds() <= files, KEEP_ALIVE_S + REQUEST_S + 10)
    peer.close()


def test_pipelined_requests_may_be_cut_anywhere(target: Target) -> None:
    """What came before a head in the same segment is not part of it."""
    one = b"GET /livez HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 500 + b"\r\n\r\n"
    peer = target.peer()
    peer.send(one * 39 + one[:-10])
    time.sleep(0.1)
    peer.send(one[-10:])
    assert peer.statuses(5) == [200] * 40
    peer.close()


@pytest.mark.parametrize(
    "second", [b"GET http://host HTTP/1.1", b"GET http://a:99999999/ HTTP/1.1", b"GET \xff HTTP/1.1"]
)
def test_a_write_is_not_answered_for_a_target_that_cannot_be_parsed(target: Target, second: bytes) -> None:
    """The refusal is the second request's, which comes too late to be answered."""
    body = msgspec.json.encode(new_record(USERS))
    head = f"POST /v1/kafka/users HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {KEY}\r\n"
    write = f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    peer = target.peer()
    peer.send(write + second + b"\r\nHost: a\r\n\r\n")
    assert peer.statuses()[0] in (202, CLOSED)
    peer.close()


def test_half_of_an_end_is_no_end(target: Target) -> None:
    """A known head, but for its last bytes, is no request, however long its body would be."""
    body = msgspec.json.encode(new_record(USERS))
    head = f"POST /v1/kafka/users HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {KEY}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nX: "
    head += "y" * (len(body) + 2 - len(head))
    assert len(head) - 2 == len(body)
    peer = target.peer()
    peer.send(head.encode() + b"\r\n\r\n" + body)
    assert peer.statuses(PATIENCE_S) == [202]
    peer.send(head.encode() + b"\r")
    assert peer.statuses(REQUEST_S / 3) == []
    peer.send(b"\n\r\n" + body)
    assert peer.statuses(PATIENCE_S) == [202]
    peer.close()


def test_what_follows_a_refused_request_is_not_served(target: Target) -> None:
    """A head that is too large and a whole write in one packet: the connection ends behind the refusal."""
    made = Made.anew()
    refused, whole = made.by_name["a header larger than allowed"].sent, made.by_name["a long chunk extension"].sent
    peer = target.peer()
    peer.send(refused + whole.replace(b"e" * 60_000, b"e"))
    assert peer.statuses() == [431, CLOSED]
    peer.close()
    assert not target.is_stored(made.ids)


def test_a_write_under_way_is_not_answered_by_the_refusal_of_what_follows(target: Target) -> None:
    """Its own answer comes first, or none: 400 would say that it was not stored."""
    record = new_record(USERS)
    body = msgspec.json.encode(record)
    head = f"POST /v1/kafka/users HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {KEY}\r\n"
    write = f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    peer = target.peer()
    peer.send(write + b"garbage\r\n\r\n")
    assert peer.statuses()[0] in (202, CLOSED)
    peer.close()
