"""Reads that are answered from memory without a task: which they are, and that nobody can tell them from the others."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterator

import httpx
import psycopg
import pytest
import uvicorn
from direct_peer import USERS, Peer, new_body, request, running_url, terms_of
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from api.answers import Answer
from api.direct_protocol import DirectProtocol
from contract.ids import base_id
from seawall.stack.stack import Stack


@pytest.fixture(scope="module")
def url(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.URL]:
    """Run an API of our own."""
    with running_url(stack, tmp_path_factory.mktemp("api")) as found:
        yield found


@pytest.fixture
def peer(url: httpx.URL) -> Iterator[Peer]:
    """Return a connection."""
    found = Peer(url)
    yield found
    found.socket.close()


def get(identity: object, *lines: bytes, entity: str = "users") -> bytes:
    """Return a GET of a record."""
    head = f"GET /v1/{entity}/{identity} HTTP/1.1\r\nhost: a\r\n".encode()
    return head + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


def test_a_read_from_memory_is_the_one_of_the_long_way(peer: Peer) -> None:
    """Status, headers in their order, and body; the second time the head is known."""
    record = base_id(5, USERS.number)
    peer.send(get(f"{record}?long"))
    expected = peer.answer()
    for _ in range(3):
        peer.send(get(record))
        answer = peer.answer()
        assert answer == expected
        assert list(answer[1]) == list(expected[1])


def test_a_read_that_asks_for_more_than_a_record_is_answered_as_it_asks(peer: Peer, stack: Stack) -> None:
    """Conditions, directives, other spellings, several at once, in pieces: each after a plain one."""
    record = base_id(6, USERS.number)
    peer.send(get(record))
    tag = peer.answer()[1]["etag"]
    peer.send(get(record))
    assert peer.answer()[0] == 200
    peer.send(get(record, b"if-none-match: " + tag.encode()))
    assert peer.bare()[0] == 304
    with psycopg.connect(stack.connections.psycopg_url, autocommit=True) as database:
        database.execute("UPDATE users SET name = 'Elsewhere' WHERE id = %s", [record])
    peer.send(get(record, b"cache-control: no-cache"))
    assert peer.answer()[2]["name"] == "Elsewhere"
    peer.send(get(record))
    assert peer.answer()[2]["name"] == "Elsewhere"
    peer.send(get(str(record).upper()))
    assert peer.answer()[2]["id"] == str(record)
    peer.send(get(record) + get(record))
    assert [peer.answer()[0] for _ in range(2)] == [200, 200]
    whole = get(record)
    peer.send(whole[:30], whole[30:])
    assert peer.answer()[0] == 200
    peer.send(get(base_id(0, 9)))
    assert peer.answer()[0] == 404
    peer.send(get("x"))
    assert peer.answer()[0] == 422
    peer.send(get(record, b"connection: close"))
    assert peer.answer()[0] == 200
    assert peer.is_closed()


def test_a_read_is_not_answered_before_an_earlier_write(peer: Peer) -> None:
    """Though it could be at once."""
    record = base_id(7, USERS.number)
    for _ in range(2):
        peer.send(get(record))
        peer.answer()
    body = new_body()
    peer.socket.sendall(request(body))
    peer.socket.sendall(get(record))
    assert [peer.answer()[0] for _ in range(2)] == [202, 200]


def test_reads_from_memory_take_no_task() -> None:
    """A head that is known is answered in the very call that brings it."""
    answered = []

    def read(name: bytes) -> Answer | None:
        answered.append(name)
        return Answer(200, b"{}") if name == b"known" else None

    async def application(scope: Scope, _: Receive, send: Send) -> None:
        answered.append(scope["path"].encode())
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"{}"})

    async def talk() -> None:
        config = uvicorn.Config(application, log_config=None, access_log=False, lifespan="off")
        config.load()
        terms = dataclasses.replace(terms_of(lambda *_: False), reads={b"/v1/users": read})
        server = await asyncio.get_running_loop().create_server(
            lambda: DirectProtocol(terms, config, ServerState(), {}), "127.0.0.1", 0
        )
        async with server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            for name in ("known", "known", "other", "known"):
                writer.write(get(name))
                await reader.readuntil(b"{}")
            terms.forget()
            writer.write(get("known"))
            await reader.readuntil(b"{}")
            writer.close()

    asyncio.run(talk())
    assert answered == [b"/v1/users/known", b"known", b"other", b"/v1/users/other", b"known", b"/v1/users/known"]


def test_a_crowd_is_answered_from_memory_or_refused() -> None:
    """What is there costs less than a refusal by the long way; what is not is refused by the short one."""

    async def talk() -> list[bytes]:
        config = uvicorn.Config(_unreached, log_config=None, access_log=False, lifespan="off")
        config.load()
        terms = dataclasses.replace(
            terms_of(lambda *_: False),
            reads={b"/v1/users": lambda name: Answer(200, b"{}") if name == b"there" else None},
            crowded=lambda: True,
        )
        terms.known_reads.add(b" HTTP/1.1\r\nhost: a\r\n\r\n")
        server = await asyncio.get_running_loop().create_server(
            lambda: DirectProtocol(terms, config, ServerState(), {}), "127.0.0.1", 0
        )
        found = []
        async with server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            for name in ("there", "missing", "there"):
                writer.write(get(name))
                found.append((await reader.readuntil(b"\r\n"))[9:12])
                await reader.readuntil(b"}")
            writer.close()
        return found

    assert asyncio.run(talk()) == [b"200", b"503", b"200"]


async def _unreached(_scope: object, _receive: object, _send: object) -> None:
    raise AssertionError("nothing should come here")
