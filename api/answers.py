"""Answers as plain values, so that a write endpoint needs neither a request nor a response object."""

from __future__ import annotations

from http import HTTPStatus
from typing import NamedTuple

from starlette.responses import Response

Headers = tuple[tuple[bytes, bytes], ...]

JSON: Headers = ((b"content-type", b"application/json"),)


class Answer(NamedTuple):
    """Status, body and headers (without the length) of one answer."""

    status: int
    body: bytes
    headers: Headers = JSON
    wire: bytes = b""
    """All of it in HTTP/1.1, where it was made in advance; see `ready`."""


def ready(answer: Answer) -> Answer:
    """Return *answer* with what is sent over a connection that stays open."""
    lines = [b"%b: %b\r\n" % header for header in (*answer.headers, (b"content-length", b"%d" % len(answer.body)))]
    status = b"HTTP/1.1 %d %b\r\n" % (answer.status, HTTPStatus(answer.status).phrase.encode())
    return answer._replace(wire=b"".join([status, *lines, b"\r\n", answer.body]))


class AnswerResponse(Response):
    """Sends an `Answer` as it stands."""

    def __init__(self, answer: Answer) -> None:
        # the parent's constructor would build and encode headers that are ready here
        self.status_code = answer.status
        self.body = answer.body
        self.background = None
        self.raw_headers = list(answer.headers)
        if answer.status != NOT_MODIFIED:
            self.raw_headers.append((b"content-length", b"%d" % len(answer.body)))


NOT_MODIFIED = 304
