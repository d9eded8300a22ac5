"""The application: ``/v1/feed`` by WebSocket and as server-sent events, and health."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import msgspec
from starlette.applications import Starlette
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from workers.feed.connections import connection_of, nothing
from workers.feed.counts import BY_CLIENT, FeedCounts
from workers.feed.errors import FeedError, PositionGone, SourceUnavailable
from workers.feed.filters import ABOUT, filter_of
from workers.feed.frames import Frame, last_event
from workers.feed.keys import Door
from workers.feed.settings import Settings
from workers.feed.source import Source
from workers.feed.subscription import End, Subscription

log = logging.getLogger(__name__)

PATH = "/v1/feed"
_PARAMETERS = ("entity", "after", *ABOUT)
_LOOK_S = 1.0
_MEDIA_TYPE = "text/event-stream"
_EVENTS = {"cache-control": "no-store", "x-accel-buffering": "no", "connection": "close"}
"""Of an answer that is the last of its connection, which is cut after it."""
_STATUS: Mapping[type[FeedError], int] = {PositionGone: 410, SourceUnavailable: 503}
_TITLES = {
    400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 410: "Gone", 422: "Unprocessable Content",
    503: "Service Unavailable",
}  # fmt: skip


class Refused(Exception):
    """A subscription that does not begin, with the status of the answer."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status

    @property
    def response(self) -> Response:
        """The answer, a problem document of RFC 9457."""
        problem = {"type": "about:blank", "title": _TITLES[self.status], "status": self.status, "detail": str(self)}
        headers = {"cache-control": "no-store"}
        if self.status == 401:  # noqa: PLR2004 - HTTP
            headers["www-authenticate"] = "Bearer"
        if self.status == 503:  # noqa: PLR2004 - HTTP
            headers["retry-after"] = "1"
        return Response(msgspec.json.encode(problem), self.status, headers, "application/problem+json")


class Feed:
    """Subscribers of one process, from their coming to their end."""

    def __init__(self, settings: Settings, source: Source, door: Door, counts: FeedCounts) -> None:
        self._settings, self._source, self._door, self._counts = settings, source, door, counts
        self._subscribers: dict[Subscription, str | None] = {}
        """With what each was let in by."""
        self._going = False
        self._tasks: list[asyncio.Task[None]] = []
        counts.skipped = lambda: source.skipped

    async def start(self) -> None:
        """Begin to read."""
        await self._source.start()
        self._tasks = [asyncio.create_task(self._beat()), asyncio.create_task(self._follow_keys())]

    async def stop(self) -> None:
        """Read no more."""
        for task in self._tasks:
            task.cancel()
        await self._source.stop()

    def go_away(self) -> None:
        """Let nobody in any more, and let all go who are there."""
        self._going = True
        for subscription in list(self._subscribers):
            subscription.finish(End.GOING_AWAY)

    @property
    def subscribers(self) -> int:
        """How many there are."""
        return len(self._subscribers)

    @property
    def trouble(self) -> str:
        """Why it is not ready; empty where it is."""
        return "the process goes away" if self._going else self._source.trouble

    async def enter(self, connection: HTTPConnection, protocol: str) -> Subscription:
        """Return a new subscription; raises `Refused`."""
        try:
            self.check(connection)
            subscription = await self._subscription(connection)
        except Refused as refused:
            self._counts.refused(refused.status)
            raise
        self._subscribers[subscription] = connection.headers.get("authorization")
        self._counts.connected[protocol] += 1
        if self._going:  # meanwhile
            subscription.finish(End.GOING_AWAY)
        subscription.over.add_done_callback(lambda _: self._cut_later(connection_of(connection).transport, count=True))
        return subscription

    def begin(self, subscription: Subscription, client: HTTPConnection) -> None:
        """Hand frames over from now on; the answer has begun."""
        connection = connection_of(client)

        def push(frame: Frame) -> bool:
            if not connection.push(frame):
                return False
            self._counts.sent(len(frame.records), max(0, time.time_ns() - frame.published_ns))
            return True

        connection.on_room = subscription.flush
        subscription.begin(push)

    def check(self, connection: HTTPConnection) -> None:
        """Raise `Refused` for whom is not let in."""
        refusal = self._door.refusal(connection.headers.get("authorization"))
        if refusal is not None:
            raise Refused(*refusal)
        if self._going or len(self._subscribers) >= self._settings.feed_subscribers:
            raise Refused(503, self.trouble or "as many subscribers are connected as may be: try again later")
        unknown = [name for name in connection.query_params if name not in _PARAMETERS]
        if unknown:
            raise Refused(422, f"unknown {unknown[0][:100]!r}: known are {', '.join(_PARAMETERS)}")

    async def _subscription(self, connection: HTTPConnection) -> Subscription:
        query = connection.query_params
        after = connection.headers.get("last-event-id") or query.get("after")
        try:
            wanted = filter_of(query.get("entity"), {name: query[name] for name in ABOUT if name in query})
            return await self._source.subscribe(wanted, after)
        except FeedError as error:
            raise Refused(_STATUS.get(type(error), 422), str(error)) from None

    def leave(self, subscription: Subscription, client: HTTPConnection, protocol: str) -> None:
        """Forget a subscription, whoever ended it."""
        self._source.unsubscribe(subscription)
        del self._subscribers[subscription]
        self._counts.connected[protocol] -= 1
        self._counts.ended(subscription.over.result().name if subscription.over.done() else BY_CLIENT)
        connection = connection_of(client)
        connection.on_room = nothing
        subscription.stop()
        # A client that says it leaves, and does not read what was written before, would keep its connection.
        self._cut_later(connection.transport, count=False)

    def _cut_later(self, transport: asyncio.Transport, *, count: bool) -> None:
        """Cut a connection that has not ended by itself when the time for a farewell is over."""

        def cut() -> None:
            if count and not transport.is_closing():
                self._counts.aborted()
            transport.abort()  # closing ones, too, wait until all that was written is read

        asyncio.get_running_loop().call_later(self._settings.feed_farewell_s, cut)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._settings.feed_heartbeat_s)
            self._source.beat([one for one in self._subscribers if one.is_present])

    async def _follow_keys(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_S)
            if self._door.look():
                for subscription, authorization in list(self._subscribers.items()):
                    if self._door.refusal(authorization) is not None:
                        subscription.finish(End.KEY_REVOKED)


async def _by_websocket(feed: Feed, websocket: WebSocket) -> None:
    try:
        subscription = await feed.enter(websocket, "websocket")
    except Refused as refused:
        await websocket.send_denial_response(refused.response)
        return
    try:
        await websocket.accept()
        feed.begin(subscription, websocket)
        hearing = asyncio.create_task(_hear(websocket))
        try:
            await asyncio.wait((hearing, subscription.over), return_when=asyncio.FIRST_COMPLETED)
        finally:
            hearing.cancel()
        if subscription.over.done():
            end = subscription.over.result()
            await websocket.close(end.code, end.reason)
    except (WebSocketDisconnect, OSError, RuntimeError):
        pass  # it is gone already
    finally:
        feed.leave(subscription, websocket, "websocket")


async def _hear(websocket: WebSocket) -> None:
    """Return when the client closes; whatever else it says means nothing here."""
    while (await websocket.receive())["type"] != "websocket.disconnect":
        pass


async def _as_events(feed: Feed, request: Request) -> Response:
    try:
        if request.method == "HEAD":
            feed.check(request)
            return StreamingResponse(iter(()), headers=_EVENTS, media_type=_MEDIA_TYPE)
        subscription = await feed.enter(request, "sse")
    except Refused as refused:
        return refused.response
    return _Events(feed, subscription, request)


class _Events(StreamingResponse):
    """Leaves the feed however it ends: also where nobody has taken the first event."""

    def __init__(self, feed: Feed, subscription: Subscription, request: Request) -> None:
        super().__init__(self._body(), headers=_EVENTS, media_type=_MEDIA_TYPE)
        self._feed, self._subscription, self._request = feed, subscription, request

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until one side ends."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._feed.leave(self._subscription, self._request, "sse")

    async def _body(self) -> AsyncIterator[bytes]:
        """Yield the last event; all others go straight to the connection, as the head has been written."""
        self._feed.begin(self._subscription, self._request)
        end = await asyncio.shield(self._subscription.over)
        yield last_event(end.reason)


def create_app(feed: Feed) -> Starlette:
    """Return the application around *feed*, which begins and ends with it."""

    @asynccontextmanager
    async def life(_: Starlette) -> AsyncIterator[None]:
        await feed.start()
        try:
            yield
        finally:
            await feed.stop()

    async def livez(_: Request) -> Response:
        return _status(200, "alive", "")

    async def readyz(_: Request) -> Response:
        return _status(503, "not-ready", feed.trouble) if feed.trouble else _status(200, "ready", "")

    async def by_websocket(websocket: WebSocket) -> None:
        await _by_websocket(feed, websocket)

    async def as_events(request: Request) -> Response:
        return await _as_events(feed, request)

    return Starlette(
        routes=[
            Route("/livez", livez),
            Route("/readyz", readyz),
            WebSocketRoute(PATH, by_websocket),
            Route(PATH, as_events),
        ],
        lifespan=life,
    )


def _status(status: int, word: str, detail: str) -> Response:
    said = {"status": word, **({"detail": detail} if detail else {})}
    return Response(msgspec.json.encode(said), status, {"cache-control": "no-store"}, "application/json")
