"""The write endpoints without the router: an ASGI callable that serves them before the application does.

The application declares the same endpoints (so OpenAPI and its own router know them) and both call the same `Ingest`.
What the router, its middleware and its request objects cost is more than the whole of a write: measured on one core,
they halve the rate of acknowledged writes.
"""

from __future__ import annotations

import logging

from starlette.types import ASGIApp, Receive, Scope, Send

from api.admission import LoopQueue
from api.answers import Answer
from api.guard import Guard, needed
from api.ingest import DirectIngest, Ingest
from api.problems import CROWDED, BodyTooLarge, InternalProblem
from api.routes.reads import DirectLookup

log = logging.getLogger(__name__)


class HotPath:
    """Answers a POST to one of *endpoints* itself, and hands everything else on.

    What a server may call instead of it for plain requests stands in `direct` and `reads`; so whatever is put around
    it, and has none, sees every request.
    """

    def __init__(
        self,
        app: ASGIApp,
        endpoints: dict[str, Ingest],
        direct: dict[bytes, DirectIngest],
        reads: dict[bytes, DirectLookup],
        guard: Guard,
        loop_queue: LoopQueue,
        limit_bytes: int,
    ) -> None:
        self._app = app
        self._endpoints = endpoints
        self.direct, self.reads = direct, reads
        self._guard, self._loop_queue = guard, loop_queue
        self._limit_bytes = limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = self._refusal(scope)
        if answer is None:
            ingest = self._endpoints.get(scope["path"]) if scope["method"] == "POST" else None
            if ingest is None:
                await self._app(scope, receive, send)
                return
            answer = await self._answer(ingest, scope, receive)
            if answer is None:  # the client has gone
                return
        headers = [*answer.headers, (b"content-length", b"%d" % len(answer.body))]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    def _refusal(self, scope: Scope) -> Answer | None:
        """Return the answer to a request without the key that it needs, or one too many; None where it may go on."""
        wanted = needed(scope["method"], scope["path"])
        if wanted is None:
            return None
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        problem = self._guard.refusal(given[0] if len(given) == 1 else None, wanted)
        if problem is not None:
            return problem.answer()
        return CROWDED if self._loop_queue.refuses() else None

    async def _answer(self, ingest: Ingest, scope: Scope, receive: Receive) -> Answer | None:
        content_type = None
        for name, value in scope["headers"]:
            if name == b"content-type":
                content_type = value.decode("latin-1")
            elif name == b"content-length" and int(value) > self._limit_bytes:  # the server checked that it is a number
                return BodyTooLarge(self._limit_bytes).answer()
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            if len(body) > self._limit_bytes:
                return BodyTooLarge(self._limit_bytes).answer()
            more = message.get("more_body", False)
        if message["type"] == "http.disconnect":
            return None
        try:
            return await ingest(content_type, body)
        except Exception:
            log.exception("a write failed in an unforeseen way")
            return InternalProblem().answer()
