"""Writes that are served without a task: which they are, and that nobody can tell them from the others."""

from __future__ import annotations

import asyncio
import gc
import signal
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import msgspec
import pytest
import uvicorn
from direct_peer import USERS, Peer, Serving, new_body, request, running_url, terms_of
from new_records import new_record
from service_processes import eventually, running_api
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from api.answers import Answer
from api.direct_protocol import DirectProtocol, KnownHead
from api.problems import CROWDED
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


def test_the_answer_is_the_one_of_the_long_way(peer: Peer) -> None:
    """A query string makes uvicorn serve the request: status, headers and members are the same."""
    answers = []
    for path in ("/v1/kafka/users", "/v1/kafka/users?long"):
        body = new_body()
        peer.send(request(body, path=path))
        status, headers, document = peer.answer()
        assert document.pop("id") == msgspec.json.decode(body)["id"]
        assert document.pop("offset") >= 0
        assert document.pop("partition") in range(3)
        answers.append((status, {**headers, "content-length": ""}, document))
    assert answers[0] == answers[1]
    assert answers[0][0] == 202


def test_a_request_may_come_in_pieces(peer: Peer) -> None:
    """The parser puts them together."""
    whole = request(new_body())
    for cut in (5, whole.index(b"\r\n\r\n") + 2, whole.index(b"\r\n\r\n") + 4, len(whole) - 1):
        peer.send(whole[:cut], whole[cut:])
        assert peer.answer()[0] == 202


def test_requests_that_do_not_wait_are_answered_in_turn(peer: Peer) -> None:
    """Of pipelined requests each has its own answer, whoever served it."""
    bodies = [new_body() for _ in range(5)]
    get = b"GET /livez HTTP/1.1\r\nhost: a\r\n\r\n"
    peer.send(b"".join(map(request, bodies[:3])) + get + b"".join(map(request, bodies[3:])))
    answers = [peer.answer()[2] for _ in range(6)]
    assert answers.pop(3) == {"status": "alive"}
    assert [answer["id"] for answer in answers] == [msgspec.json.decode(body)["id"] for body in bodies]


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (request(b"x" * 300_000), 413),
        (request(b"{"), 400),
        (request(b""), 400),
        (request(b"7"), 422),
        (request(new_body()).replace(b"application/json", b"text/plain"), 415),
        (request(new_body()).replace(b"application/json", b"Application/JSON; charset=utf-8"), 202),
        (request(new_body()).replace(b"POST", b"PUT"), 405),
        (request(new_body(), path="/v1/kafka/dragons"), 404),
    ],
)
def test_what_is_not_plain_has_the_answer_that_it_always_had(peer: Peer, sent: bytes, status: int) -> None:
    """Problems come from the application, and the connection goes on with the next request."""
    peer.send(sent)
    assert peer.answer()[0] == status
    peer.send(request(new_body()))
    assert peer.answer()[0] == 202


def test_a_body_may_come_in_chunks(peer: Peer) -> None:
    """A body of no stated length is stored, too."""
    body = new_body()
    head = request(b"", extra=b"transfer-encoding: chunked\r\n", sized=False)
    peer.send(head, b"%x\r\n%b\r\n" % (len(body), body), b"0\r\n\r\n")
    assert peer.answer()[0] == 202


def test_a_client_may_ask_whether_to_go_on(peer: Peer) -> None:
    """Who expects 100 gets it before the body is read."""
    body = new_body()
    sent = request(body, extra=b"expect: 100-continue\r\n")
    peer.send(sent[: -len(body)])
    assert peer.socket.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    peer.send(body)
    assert peer.answer()[0] == 202


@pytest.mark.parametrize("version", [b"HTTP/1.1", b"HTTP/1.0"])
def test_the_connection_ends_where_the_client_wants_it(peer: Peer, version: bytes) -> None:
    """By ``Connection: close``, and with HTTP/1.0."""
    extra = b"connection: close\r\n" if version == b"HTTP/1.1" else b""
    peer.send(request(new_body(), extra=extra).replace(b"HTTP/1.1", version))
    status, headers, _ = peer.answer()
    assert status == 202
    assert headers["connection"] == "close"
    assert peer.is_closed()


def test_a_client_that_goes_harms_nobody(url: httpx.URL) -> None:
    """Its record is stored all the same."""
    record = new_record(USERS)
    gone = Peer(url)
    gone.send(request(msgspec.json.encode(record)))
    gone.socket.close()
    with httpx.Client(base_url=url) as client:
        eventually(lambda: client.get(f"/v1/users/{record.id}").is_success)


def test_sigterm_answers_what_waits_and_ends_the_connection(stack: Stack, tmp_path: Path) -> None:
    """With a linger that is longer than the signal takes, the answer says that the connection closes."""
    settings = {"SEAWALL_KAFKA_LINGER_MS": "700"}
    with running_api(stack.connections, tmp_path, **settings) as (client, process):
        eventually(lambda: client.get("/readyz").is_success)
        peer = Peer(client.base_url)
        peer.send(request(new_body()))
        process.send_signal(signal.SIGTERM)
        status, headers, _ = peer.answer()
        assert (status, headers["connection"]) == (202, "close")
        assert peer.is_closed()
        assert process.wait(20) == 0


@pytest.mark.parametrize("path", ["kafka", "grouped"])
def test_what_stands_around_the_hot_path_sees_every_write(stack: Stack, tmp_path: Path, path: str) -> None:
    """A control that says 'stored' of each record and drops it is not passed by."""
    with running_api(stack.connections, tmp_path, "controls.api", SEAWALL_FAULT="drop 1") as (client, _):
        record = new_record(USERS)
        peer = Peer(client.base_url)
        peer.send(request(msgspec.json.encode(record), path=f"/v1/{path}/users"))
        assert peer.answer()[0] in (201, 202)
        assert client.get(f"/v1/users/{record.id}").status_code == 404


@pytest.mark.parametrize(
    ("sent", "served"),
    [
        (request(b"{}"), "directly"),
        (request(b"{}" * 500), "directly"),
        (request(b"{}" * 501), "by the application"),
        (request(b"{}", extra=b"accept: */*\r\nx-trace: 1\r\n"), "directly"),
        (request(b"{}", path="/other"), "by the application"),
        (request(b"{}", extra=b"expect: 100-continue\r\n"), "by the application"),
        (request(b"{}", extra=b"connection: close\r\n"), "by the application"),
        (request(b"refuse"), "by the application"),
        (request(b"break"), "by the application"),
    ],
)
def test_plain_writes_take_the_short_way(sent: bytes, served: str) -> None:
    """The application does not see them; it sees all others, with their whole bodies."""

    def serve(body: bytes, answer: Callable[[Answer], None]) -> bool:
        if body == b"break":
            raise ValueError
        if body == b"refuse":
            return False
        asyncio.get_running_loop().call_soon(answer, Answer(202, b"directly"))
        return True

    async def application(_: Scope, receive: Receive, send: Send) -> None:
        assert sent.endswith((await receive())["body"])
        headers = [(b"content-length", b"18")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"by the application"})

    async def exchange() -> bytes:
        config = uvicorn.Config(application, log_config=None, access_log=False, lifespan="off")
        config.load()
        server = await asyncio.get_running_loop().create_server(
            lambda: DirectProtocol(terms_of(serve), config, ServerState(), {}), "127.0.0.1", 0
        )
        async with server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(sent)
            head = b""
            while not head.startswith(b"HTTP/1.1 20"):
                head = await reader.readuntil(b"\r\n\r\n")
            answer = await reader.readexactly(len(served))
            writer.close()
            return answer

    assert asyncio.run(exchange()).decode() == served


def test_a_known_head_spares_the_parser_and_nothing_else() -> None:
    """Only a known head with a whole body and nothing behind it is recognised; idle connections still end in time."""
    known: dict[bytes, KnownHead] = {}
    seen: list[tuple[str, bytes]] = []

    def serving(way: str) -> Callable[[bytes, Callable[[Answer], None]], bool]:
        def serve(body: bytes, answer: Callable[[Answer], None]) -> bool:
            seen.append((way, body))
            if body == b"refuse":
                return False
            asyncio.get_running_loop().call_soon(answer, Answer(202, way.encode()))
            return True

        return serve

    async def application(_: Scope, receive: Receive, send: Send) -> None:
        body = (await receive())["body"]
        headers = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def talk() -> list[str]:
        config = uvicorn.Config(application, log_config=None, access_log=False, lifespan="off", timeout_keep_alive=1)
        config.load()
        terms = terms_of(serving("parsed"), known)
        server = await asyncio.get_running_loop().create_server(
            lambda: DirectProtocol(terms, config, ServerState(), {}), "127.0.0.1", 0
        )
        answers = []
        async with server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())

            async def ask(*pieces: bytes, answered: int = 1) -> None:
                for piece in pieces:
                    writer.write(piece)
                    await asyncio.sleep(0.02)
                for _ in range(answered):
                    head = await reader.readuntil(b"\r\n\r\n")
                    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                    answers.append((await reader.readexactly(length)).decode())

            plain = request(b"abcdef")
            await ask(plain)
            (head,) = known
            known[head] = KnownHead(Serving(serving("known")), 6)
            await ask(plain)
            await ask(request(b"refuse"))  # known, tried, and then served by the application with its whole body
            await ask(plain[:20], plain[20:])
            await ask(plain[:-2], plain[-2:])
            await ask(plain + plain, answered=2)
            await ask(plain)
            await ask(request(b"abcdefg"))
            await asyncio.sleep(0.5)  # used meanwhile: the idle time begins anew
            await ask(plain)
            await asyncio.sleep(0.7)
            await ask(plain)
            answers.append((await reader.read()).decode())  # ends when the connection does
            writer.close()
        return answers

    parsed, recognised = "parsed", "known"
    assert asyncio.run(asyncio.wait_for(talk(), 10)) == [
        parsed, recognised, "refuse", parsed, parsed, parsed, "abcdef", recognised, parsed, recognised, recognised, "",
    ]  # fmt: skip
    assert len(known) == 2
    assert [body for way, body in seen if way == "known"] == [b"abcdef", b"refuse"] + [b"abcdef"] * 3


def test_who_is_one_too_many_is_refused_unseen() -> None:
    """Head and body are those that would be made, byte for byte; and a head is known although it was refused."""
    known: dict[bytes, KnownHead] = {}
    answers = [CROWDED._replace(wire=b""), CROWDED, CROWDED]

    def serve(_body: bytes, _answer: Callable[[Answer], None]) -> bool:
        raise AssertionError("nobody should look at it")

    async def talk() -> list[bytes]:
        config = uvicorn.Config(lambda: None, log_config=None, access_log=False, lifespan="off")
        config.load()
        server = await asyncio.get_running_loop().create_server(
            lambda: DirectProtocol(terms_of(Serving(serve, answers.pop), known), config, ServerState(), {}),
            "127.0.0.1",
            0,
        )
        async with server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            came = []
            for _ in range(3):
                writer.write(request(b"abcdef"))
                came.append(await reader.readexactly(len(CROWDED.wire)))
                assert len(known) == 1
            writer.close()
        return came

    assert asyncio.run(asyncio.wait_for(talk(), 10)) == [CROWDED.wire] * 3


@pytest.mark.parametrize("waits", [False, True])
def test_a_connection_that_ends_leaves_nothing_for_the_collector(waits: bool) -> None:  # noqa: FBT001
    """It comes after hundreds of thousands of objects: ten thousand connections would have left 50 MB until then."""
    answers: list[Callable[[Answer], None]] = []

    async def talk() -> int:
        served = asyncio.Event()

        def serve(_: bytes, answer: Callable[[Answer], None]) -> bool:
            answers.append(answer)
            if not waits:
                answer(Answer(202, b""))
            served.set()
            return True

        config = uvicorn.Config(lambda *_: None, log_config=None, access_log=False, lifespan="off")
        config.load()
        made: weakref.WeakSet[DirectProtocol] = weakref.WeakSet()

        def protocol() -> DirectProtocol:
            connection = DirectProtocol(terms_of(serve), config, ServerState(), {})
            made.add(connection)
            return connection

        server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
        async with server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(request(b"{}"))
            if not waits:
                await reader.readuntil(b"\r\n\r\n")
            await served.wait()
            writer.close()
            await asyncio.sleep(0.05)
            answers.pop()(Answer(202, b""))  # an answer to nobody
            await asyncio.sleep(0.05)
        return len(made)

    gc.disable()
    try:
        assert asyncio.run(talk()) == 0
    finally:
        gc.enable()
