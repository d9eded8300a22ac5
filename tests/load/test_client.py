"""The lean client against a server that answers in every way that HTTP/1.1 allows, and in some that it does not."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

# Locust patches the standard library when it is imported, so the client runs in a process of its own.
SCRIPT = r"""
import json, sys
from seawall.load.http.client import Client
from gevent.server import StreamServer
import gevent
def run(case):
    pieces, closes, method, rounds = case
    seen, connections = [], []
    def handle(sock, _):
        connections.append(1)
        while True:
            data = sock.recv(65536)
            if not data:
                return
            seen.append(data.decode("latin-1"))
            for piece in pieces:
                sock.sendall(piece.encode("latin-1"))
                gevent.sleep(0.005)
            if closes:
                sock.close()
                return
    server = StreamServer(("127.0.0.1", 0), handle)
    server.start()
    reported = []
    client = Client(f"http://127.0.0.1:{server.server_port}", reported.append, connect_s=2, answer_s=0.5)
    answers = []
    for _ in range(rounds):
        answer = client.request(method, "/x", data=b"body" if method == "POST" else None, headers={"X-A": "b"})
        headers = answer.headers or {}
        answers.append([answer.status_code, (answer.content or b"").decode("latin-1"), headers.get("x-h")])
        gevent.sleep(0.02)
    return {
        "answers": answers, "connections": len(connections), "seen": seen,
        "errors": [type(response.error).__name__ if response.error else None for response in reported],
    }
for line in sys.stdin:
    print(json.dumps(run(json.loads(line))), flush=True)
"""
Talk = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def talk() -> Iterator[Talk]:
    """Return what sends some requests to a server that answers each with the given pieces, one write a piece."""
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        ask, answers = process.stdin, process.stdout

        def talk(*pieces: str, closes: bool = False, method: str = "POST", rounds: int = 2) -> dict[str, Any]:
            ask.write(json.dumps([pieces, closes, method, rounds]) + "\n")
            ask.flush()
            found: dict[str, Any] = json.loads(answers.readline())
            return found

        yield talk
        ask.close()


OK = "HTTP/1.1 200 OK\r\nX-H: v\r\nContent-Length: 2\r\n\r\nok"


@pytest.mark.parametrize(
    ("pieces", "closes", "connections"),
    [
        pytest.param([OK], False, 1, id="plain"),
        pytest.param(list(OK), False, 1, id="byte by byte"),
        pytest.param([OK[:30], OK[30:]], False, 1, id="split in the head"),
        pytest.param([OK[:-1], OK[-1:]], False, 1, id="split in the body"),
        pytest.param([OK.replace("200 OK", "201")], False, 1, id="no reason phrase"),
        pytest.param([OK.replace("Content-Length", "content-LENGTH")], False, 1, id="header in other case"),
        pytest.param(
            ["HTTP/1.1 200 OK\r\nX-H: v\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\no\r\n", "1\r\nk\r\n0\r\n\r\n"],
            False, 1, id="chunked",
        ),
        pytest.param(["HTTP/1.1 100 Continue\r\n\r\n", OK], False, 1, id="interim answer"),
        pytest.param(["HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n" + OK], False, 1, id="interim answer at once"),
        pytest.param([OK.replace("X-H", "Connection: close\r\nX-H")], True, 2, id="connection: close"),
        pytest.param(["HTTP/1.1 200 OK\r\nX-H: v\r\n\r\nok"], True, 2, id="until the connection closes"),
        pytest.param(["HTTP/1.0 200 OK\r\nX-H: v\r\nContent-Length: 2\r\n\r\nok"], True, 2, id="HTTP/1.0"),
        pytest.param([OK], True, 2, id="closed without a word"),
    ],
)  # fmt: skip
def test_understands_every_way_of_saying_ok(talk: Talk, pieces: list[str], connections: int, *, closes: bool) -> None:
    """Two requests, two answers, and a connection more only where the server asks for it."""
    found = talk(*pieces, closes=closes)
    assert [answer[1:] for answer in found["answers"]] == [["ok", "v"]] * 2
    assert found["errors"] == [None, None]
    assert found["connections"] == connections


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_knows_answers_that_have_no_body(talk: Talk, status: str) -> None:
    """The connection is kept, whatever length is claimed."""
    found = talk(f"HTTP/1.1 {status}\r\nX-H: v\r\nContent-Length: 5\r\n\r\n", method="GET")
    assert [answer[1] for answer in found["answers"]] == ["", ""]


def test_a_head_request_has_no_body(talk: Talk) -> None:
    """The length of a HEAD's answer is not waited for."""
    assert talk("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", method="HEAD")["errors"] == [None, None]


@pytest.mark.parametrize(
    "status", ["400 Bad Request", "422 Unprocessable Content", "500 Internal Server Error", "503 Busy"]
)
def test_an_error_status_is_a_failure_that_keeps_its_answer(talk: Talk, status: str) -> None:
    """Locust counts it as failed, and the user can read status and body."""
    found = talk(OK.replace("200 OK", status))
    assert [answer[:2] for answer in found["answers"]] == [[int(status[:3]), "ok"]] * 2
    assert found["errors"] == ["LocustBadStatusCode"] * 2
    assert found["connections"] == 1


@pytest.mark.parametrize(
    ("pieces", "closes"),
    [
        pytest.param(["garbage\r\n\r\n"], False, id="garbage"),
        pytest.param(["HTTP/1.1 abc\r\n\r\n"], False, id="no status"),
        pytest.param([], True, id="nothing"),
        pytest.param(["HTTP/1.1 200 OK\r\nContent-Le"], True, id="half a head"),
        pytest.param(["HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok"], True, id="half a body"),
        pytest.param(["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nok"], True, id="half a chunk"),
        pytest.param([], False, id="no answer in time"),
        pytest.param(["HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok"], False, id="no end in time"),
    ],
)
def test_a_broken_answer_is_a_failure_without_a_status(talk: Talk, pieces: list[str], *, closes: bool) -> None:
    """No number is made up, the request is not sent again, and the next one gets a new connection."""
    found = talk(*pieces, closes=closes)
    assert all(found["errors"])
    assert len(found["seen"]) == 2
    assert found["connections"] == 2


def test_sends_what_was_asked_for(talk: Talk) -> None:
    """Request line, host, headers, length and body."""
    head, _, body = talk(OK, rounds=1)["seen"][0].partition("\r\n\r\n")
    lines = head.split("\r\n")
    assert lines[0] == "POST /x HTTP/1.1"
    assert lines[1].startswith("Host: 127.0.0.1:")
    assert "X-A: b" in lines
    assert "Content-Length: 4" in lines
    assert body == "body"
