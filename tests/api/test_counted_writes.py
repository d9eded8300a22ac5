"""Writes that are served without a task are counted once each, by whatever way their head is read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest
import uvicorn
from direct_peer import Serving, request, terms_of
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from api.answers import Answer
from api.counted_path import counted_exchange
from api.direct_protocol import DirectProtocol
from api.metrics.requests import EndpointCounts, RequestCounts

BODIES = {
    b"later": (202, 1), b"atonce": (503, 1), b"refuse": (503, 0), b"nobody": (0, 0), b"breaks": (0, 0),
}  # fmt: skip
"""What is sent, of one length: the status that is counted, 0 where the long way counts it; and how many durations."""


async def _count(bodies: list[bytes], counts: RequestCounts) -> tuple[EndpointCounts, int]:
    """Send *bodies* over one connection; return what was counted, and how many requests took the long way."""
    endpoint = counts.endpoint("/v1/kafka/users")
    came: list[bytes] = []
    long_way = 0

    def serve(body: bytes, answer: Callable[[Answer], None]) -> bool:
        if body == b"nobody":
            return False
        if body == b"breaks":
            raise ValueError(body)
        if body == b"atonce":
            answer(Answer(503, b"{}"))
        else:
            asyncio.get_running_loop().call_soon(answer, Answer(202, b"{}"))
            asyncio.get_running_loop().call_soon(answer, Answer(202, b"{}"))  # which is one too many
        endpoint.begun += 1
        return True

    def refuse() -> Answer | None:
        return Answer(503, b"{}") if came[-1] == b"refuse" else None

    async def application(_: Scope, receive: Receive, send: Send) -> None:
        nonlocal long_way
        await receive()
        long_way += 1
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"{}"})

    serving = Serving(serve, refuse)
    serving.endpoint = endpoint
    terms = replace(terms_of(serving), exchange=counted_exchange(counts), note_refused_write=counts.refused_write)
    config = uvicorn.Config(application, log_config=None, access_log=False, lifespan="off")
    config.load()
    server = await asyncio.get_running_loop().create_server(
        lambda: DirectProtocol(terms, config, ServerState(), {}), "127.0.0.1", 0
    )
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        for body in bodies:
            came.append(body)
            writer.write(request(body))
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]))
        writer.close()
    return endpoint, long_way


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.decode())
@pytest.mark.parametrize("is_known", [False, True], ids=["parsed", "known"])
def test_each_is_counted_once(body: bytes, *, is_known: bool) -> None:
    """Answered later, at once, refused, and not at all: by its class, with its duration, and none stays under way."""
    before = [b"later"] if is_known else []
    counts = RequestCounts({"kafka": None})
    endpoint, long_way = asyncio.run(_count([*before, body], counts))
    status, durations = BODIES[body]
    expected = [0] * 6
    for one in (*(BODIES[other][0] for other in before), status):
        expected[one // 100] += one > 0
    assert endpoint.by_class == expected
    assert endpoint.durations.count == len(before) + durations
    assert endpoint.under_way == 0
    assert counts.problems[503] == (status == 503)
    assert long_way == (status == 0)
