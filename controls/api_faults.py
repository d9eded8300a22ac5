"""The layer in front of the real API that misbehaves: an ASGI callable around the application."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from controls.faults import Choice, DeedLog, OneIn

FREEZE_EVERY_S = 5.0
_COUNTS = {"users": "age", "products": "stock", "orders": "total_cents", "reviews": "review_id"}
"""The field of each entity that is altered."""

_Deed = Callable[[float, Scope, Receive, Send, bytes], Awaitable[None]]


class _Identified(msgspec.Struct):
    id: str = ""


_identity = msgspec.json.Decoder(_Identified)


class Misbehaving:
    """Hands every request on to *app*, but for what the planted fault does to writes."""

    def __init__(self, app: ASGIApp, choice: Choice, log: DeedLog) -> None:
        self._app, self._choice, self._log = app, choice, log
        self._one_in = OneIn()
        self._deeds: dict[str, _Deed] = {
            "drop": self._drop,
            "early-ack": self._answer_early,
            "log-twice": self._write_twice,
            "alter": self._alter,
            "delay": self._delay,
        }
        self._tasks: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the application's life."""
        if scope["type"] == "lifespan":
            self._keep(self._freeze_now_and_then())
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        fault = self._choice.current()
        deed = self._deeds.get(fault.name)
        if deed is None:
            await self._app(scope, receive, send)
        else:
            await deed(fault.amount, scope, receive, send, await _body(receive))

    async def _drop(self, lot: float, scope: Scope, receive: Receive, send: Send, body: bytes) -> None:
        """Say that one in so many is stored, and forget it."""
        if self._one_in.picks(lot):
            self._log.add("drop", "dropped", _id_of(body))
            await _answer(send, _success(scope))
        else:
            await self._app(scope, _replay(body, receive), send)

    async def _answer_early(self, hold_ms: float, scope: Scope, receive: Receive, send: Send, body: bytes) -> None:
        """Say that the broker has it, and hand it on a while later, from a buffer that a kill empties."""
        self._log.add("early-ack", "buffered", _id_of(body))
        self._keep(self._deliver(hold_ms / 1000, scope, _replay(body, receive), _id_of(body)))
        await _answer(send, HTTPStatus.ACCEPTED)

    async def _deliver(self, hold_s: float, scope: Scope, receive: Receive, identity: str) -> None:
        await asyncio.sleep(hold_s)
        await self._app(scope, receive, _ignore)
        self._log.add("early-ack", "delivered", identity)

    async def _write_twice(self, lot: float, scope: Scope, receive: Receive, send: Send, body: bytes) -> None:
        """Hand one in so many on twice, as a producer does that retries without idempotence."""
        if self._one_in.picks(lot):
            await self._app(scope, _replay(body, receive), _ignore)
            self._log.add("log-twice", "repeated", _id_of(body))
        await self._app(scope, _replay(body, receive), send)

    async def _alter(self, lot: float, scope: Scope, receive: Receive, send: Send, body: bytes) -> None:
        """Change a number of one record in so many before it is stored."""
        if self._one_in.picks(lot):
            record = msgspec.json.decode(body)
            field = _COUNTS[scope["path"].rpartition("/")[2]]
            record[field] = record[field] - 1 if record[field] else 1
            body = msgspec.json.encode(record)
            self._log.add("alter", "altered", record["id"])
        await self._app(scope, _replay(body, receive), send)

    async def _delay(self, delay_ms: float, scope: Scope, receive: Receive, send: Send, body: bytes) -> None:
        """Take so much longer."""
        await asyncio.sleep(delay_ms / 1000)
        await self._app(scope, _replay(body, receive), send)

    async def _freeze_now_and_then(self) -> None:
        """Block the whole process at the end of each period, while that is the planted fault."""
        while True:
            fault = self._choice.current()
            freeze_s = fault.amount / 1000 if fault.name == "freeze" else 0.5
            await asyncio.sleep((FREEZE_EVERY_S - freeze_s - time.monotonic()) % FREEZE_EVERY_S)
            if self._choice.current().name == "freeze":
                self._log.add("freeze", "froze")
                time.sleep(freeze_s)  # noqa: ASYNC251 - blocking the loop is the fault
                self._log.add("freeze", "thawed")
            else:
                await asyncio.sleep(freeze_s)

    def _keep(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)  # the loop itself holds no strong reference
        task.add_done_callback(self._tasks.discard)


async def _body(receive: Receive) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
    return body


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return what hands the *body* on that has been read, then whatever comes."""
    parts = [body]

    async def again() -> Message:
        return {"type": "http.request", "body": parts.pop(), "more_body": False} if parts else await receive()

    return again


def _id_of(body: bytes) -> str:
    try:
        return _identity.decode(body).id
    except msgspec.MsgspecError:
        return ""


def _success(scope: Scope) -> int:
    return HTTPStatus.ACCEPTED if scope["path"].startswith("/v1/kafka/") else HTTPStatus.CREATED


async def _answer(send: Send, status: int) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"2")]
    await send({"type": "http.response.start", "status": int(status), "headers": headers})
    await send({"type": "http.response.body", "body": b"{}"})


async def _ignore(_: Message) -> None:
    """Send nothing."""
