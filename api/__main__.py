"""``python -m api``: one API process under uvicorn."""

from __future__ import annotations

import asyncio
import gc
import logging
import resource
import socket
import sys
from functools import partial
from types import FrameType

import uvicorn
from fastapi import FastAPI
from pydantic import ValidationError

from api.app import create_app
from api.direct_protocol import DirectProtocol
from api.service import Service
from api.settings import Settings
from contract.errors import BadConnection


class DrainingServer(uvicorn.Server):
    """Says on `/readyz` that it goes before it does, and ends with exit code 0 after SIGTERM."""

    def __init__(self, config: uvicorn.Config, service: Service, delay_s: float) -> None:
        super().__init__(config)
        self._service = service
        self._delay_s = delay_s
        self._loop: asyncio.AbstractEventLoop | None = None

    async def serve(self, *arguments: object, **named: object) -> None:
        """Serve until a signal comes."""
        self._loop = asyncio.get_running_loop()
        await super().serve(*arguments, **named)  # type: ignore[arg-type]  # handed on as they came

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Drain at the first signal, stop at once at the second."""
        del sig, frame
        first = not self._service.readiness.draining
        self._service.readiness.draining = True
        if first and self._delay_s and self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.call_later, self._delay_s, self._leave)
        else:
            self.force_exit = self.should_exit
            self._leave()

    def _leave(self) -> None:
        self.should_exit = True


def main() -> int:
    """Serve until SIGTERM or SIGINT; return the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        settings = Settings()
        app: FastAPI = create_app(settings)
    except BadConnection as error:
        print(f"api: {error}", file=sys.stderr)
        return 2
    except ValidationError as error:
        for flaw in error.errors():
            print(f"api: SEAWALL_{str(flaw['loc'][0]).upper()}: {flaw['msg']}", file=sys.stderr)
        return 2
    _raise_open_files()
    # what stands around the hot path must see every write, so it has none
    direct = getattr(app.state.hot_path, "direct", {})
    config = uvicorn.Config(
        app.state.hot_path,
        host=settings.api_host,
        port=settings.api_port,
        loop="uvloop",
        http=partial(DirectProtocol, direct, settings.max_body_bytes, {}),  # type: ignore[arg-type]  # is called
        ws="none",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # nothing here asks for the client's address
        server_header=False,
        date_header=False,
        backlog=settings.api_backlog,
        timeout_keep_alive=settings.api_keep_alive_s,
        timeout_graceful_shutdown=settings.api_graceful_s,
        lifespan="on",
    )
    _calm_collector()
    server = DrainingServer(config, app.state.service, settings.api_drain_delay_s)
    server.run(sockets=[socket.socket(fileno=number) for number in settings.api_sockets] or None)
    return 0 if server.started else 2


def _calm_collector() -> None:
    """Let the garbage collector look at what is young and much, and leave alone what lives as long as the process.

    With 10,000 connections a look at everything takes a tenth of a second, in which no request is answered. A request
    leaves no garbage that reference counts do not free, so it is rarely needed.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 20, 20)


def _raise_open_files() -> None:
    """Every client holds a connection, so the soft limit goes up to the hard one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    sys.exit(main())
