"""No request body is larger than the limit, whatever its headers say."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.answers import AnswerResponse
from api.problems import BodyTooLarge


class BodyLimit:
    """ASGI middleware: 413 by ``Content-Length`` before a byte is read, or by counting where there is none."""

    def __init__(self, app: ASGIApp, limit_bytes: int) -> None:
        self._app = app
        self._limit_bytes = limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, unless it is too large."""
        if scope["type"] == "http":
            for name, value in scope["headers"]:
                if name == b"content-length":
                    # the server has checked that it is a number, and delivers no more than that
                    if int(value) > self._limit_bytes:
                        await AnswerResponse(BodyTooLarge(self._limit_bytes).answer())(scope, receive, send)
                        return
                elif name == b"transfer-encoding":
                    receive = self._counting(receive)
        await self._app(scope, receive, send)

    def _counting(self, receive: Receive) -> Receive:
        seen_bytes = 0

        async def counted() -> Message:
            nonlocal seen_bytes
            message = await receive()
            seen_bytes += len(message.get("body", b""))
            if seen_bytes > self._limit_bytes:
                raise BodyTooLarge(self._limit_bytes)
            return message

        return counted
