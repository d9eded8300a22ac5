"""A connection that sends what no HTTP client would, what it sends, and the terms of a server for it."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
from new_records import new_record
from service_processes import eventually, running_api

from api.answers import Answer
from api.bounded_protocol import Bounds
from api.direct_protocol import KnownHead, Terms
from api.guard import OpenDoor
from api.metrics.requests import EndpointCounts
from contract.entities import ENTITIES
from seawall.stack.stack import Stack

USERS = ENTITIES["users"]

Serve = Callable[[bytes, Callable[[Answer], None]], bool]


class Peer:
    """A connection that sends what no HTTP client would, and reads whole answers."""

    def __init__(self, url: httpx.URL) -> None:
        self.socket = socket.create_connection((url.host, url.port or 80), timeout=20)
        self._file = self.socket.makefile("rb")

    def send(self, *pieces: bytes) -> None:
        """Send each of *pieces* in a packet of its own."""
        for piece in pieces:
            self.socket.sendall(piece)
            time.sleep(0.02)

    def answer(self) -> tuple[int, dict[str, str], Any]:
        """Return status, headers and the decoded body of the next answer."""
        status = int(self._file.readline().split()[1])
        headers = {}
        while line := self._file.readline().strip():
            name, _, value = line.decode().partition(": ")
            headers[name] = value
        return status, headers, msgspec.json.decode(self._file.read(int(headers["content-length"])))

    def bare(self) -> tuple[int, dict[str, str]]:
        """Return status and headers of an answer that has no body."""
        status = int(self._file.readline().split()[1])
        return status, dict(line.decode().strip().split(": ", 1) for line in iter(self._file.readline, b"\r\n"))

    def is_closed(self) -> bool:
        """Tell whether the server ends the connection."""
        return self._file.read(1) == b""


def request(body: bytes, *, path: str = "/v1/kafka/users", extra: bytes = b"", sized: bool = True) -> bytes:
    """Return a POST of *body*."""
    length = b"content-length: %d\r\n" % len(body) if sized else b""
    head = f"POST {path} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n".encode()
    return head + length + extra + b"\r\n" + body


class Serving:
    """Serves a URL path by a function, and refuses what another one says."""

    def __init__(self, serve: Serve, refuse: Callable[[], Answer | None] = lambda: None) -> None:
        self._serve, self._refuse = serve, refuse
        self.endpoint = EndpointCounts()

    def refusal(self) -> Answer | None:
        """Return what the function says."""
        return self._refuse()

    def __call__(self, body: bytes, answer: Callable[[Answer], None]) -> bool:
        """Do as the function does."""
        return self._serve(body, answer)


def terms_of(serve: Serve | Serving, known: dict[bytes, KnownHead] | None = None) -> Terms:
    """Return terms by which *serve* serves one URL path."""
    return Terms(
        direct={b"/v1/kafka/users": serve if isinstance(serve, Serving) else Serving(serve)},
        reads={},
        guard=OpenDoor(),
        bounds=Bounds(body_bytes=1_000, head_bytes=1_000, request_s=5, connections=10),
        known={} if known is None else known,
    )


def new_body() -> bytes:
    """Return a record that may be stored."""
    return msgspec.json.encode(new_record(USERS))


@contextmanager
def running_url(stack: Stack, directory: Path) -> Iterator[httpx.URL]:
    """Run an API of the caller's own on *stack*, yield its address, and empty the tables in the end."""
    with running_api(stack.connections, directory) as (client, _):
        eventually(lambda: client.get("/readyz").is_success)
        yield client.base_url
    stack.fresh()
