"""uvicorn's server as this service wants it: it drains before it ends, and may listen for TLS beside cleartext."""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from ssl import SSLContext
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.protocols.http.flow_control import CLOSE_HEADER
from uvicorn.server import STARTUP_FAILURE  # type: ignore[attr-defined]  # it ends with this itself

from api.readiness import ReadinessCheck
from contract.newcomers import WelcomingServer, doors_of

log = logging.getLogger(__name__)

_HANDSHAKE_S = 10.0


@dataclass(frozen=True)
class TlsListener:
    """A further place to listen, for TLS: *sockets* that listen already, or else a *port* beside the main one."""

    context: SSLContext
    port: int | None
    sockets: Sequence[socket.socket] = ()


class DrainingServer(WelcomingServer):
    """Says on `/readyz` that it goes before it does, and leaves the exit code to whoever started it."""

    def __init__(
        self, config: uvicorn.Config, readiness: ReadinessCheck, delay_s: float, secure: TlsListener | None = None
    ) -> None:
        super().__init__(config, _HANDSHAKE_S)
        self._readiness = readiness
        self._delay_s = delay_s
        self._secure = secure
        self._loop: asyncio.AbstractEventLoop | None = None

    async def serve(self, *arguments: object, **named: object) -> None:
        """Serve until a signal comes."""
        self._loop = asyncio.get_running_loop()
        await super().serve(*arguments, **named)  # type: ignore[arg-type]  # handed on as they came

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen where uvicorn does, then for TLS; the process ends where that cannot be."""
        await super().startup(sockets)
        if self.started and self._secure is not None:
            secure = await self._listen_for_tls(self._secure)
            self.newcomers.start(doors_of(secure, self._secure.context))
            self.servers += secure

    async def _listen_for_tls(self, secure: TlsListener) -> list[asyncio.Server]:
        places: list[dict[str, Any]] = [{"sock": one} for one in secure.sockets]
        if not places:
            places = [{"host": self.config.host, "port": secure.port}]
        listen = partial(
            asyncio.get_running_loop().create_server,
            self.protocol,
            ssl=secure.context,
            backlog=self.config.backlog,
            ssl_handshake_timeout=_HANDSHAKE_S,
        )
        try:
            return [await listen(**place) for place in places]
        except OSError as error:  # as uvicorn ends where the main port cannot be had
            log.error("%s", error)  # noqa: TRY400 - the message says it all
            await self.lifespan.shutdown()
            sys.exit(STARTUP_FAILURE)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Drain at the first signal, stop at once at the second."""
        del sig, frame
        first = not self._readiness.draining
        self._readiness.draining = True
        self._announce_the_end()
        if first and self._delay_s and self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.call_later, self._delay_s, self._leave)
        else:
            self.force_exit = self.should_exit
            self._leave()

    def _announce_the_end(self) -> None:
        """Let every answer from now on be the last of its connection, so that none is closed under a request."""
        if self.config.loaded and CLOSE_HEADER not in self.config.encoded_headers:
            # uvicorn makes the second from the first once a second
            self.config.encoded_headers = [*self.config.encoded_headers, CLOSE_HEADER]
            self.server_state.default_headers = [*self.server_state.default_headers, CLOSE_HEADER]

    def _leave(self) -> None:
        self.should_exit = True
