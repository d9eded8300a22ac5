"""``python -m api``: one API process under uvicorn."""

from __future__ import annotations

import gc
import random
import resource
import socket
import sys
from collections.abc import Callable, Iterable
from functools import partial

import uvicorn
from fastapi import FastAPI
from pydantic import ValidationError

from api.app import create_app
from api.bounded_protocol import Bounds, Exchange
from api.counted_path import counted_exchange
from api.direct_protocol import DirectProtocol, Terms
from api.server import DrainingServer, TlsListener
from api.settings import Settings
from api.tls import tls_context
from api.traced_protocol import TracedProtocol
from contract.errors import BadApiKeys, BadConnection, BadTracing
from contract.logs import start_logging

_OTHER_FILES = 256
"""Connections to the servers, sockets, libraries."""
_MOST_FILES = 1_048_576
"""As many as Linux lets a process have by default, where no limit is set."""


def main() -> int:
    """Serve until SIGTERM or SIGINT; return the exit code: 1 where records were given up at the end, 2 for no start."""
    try:
        settings = Settings()
        start_logging(settings.log_format)
        secure = tls_context(settings)
        app: FastAPI = create_app(settings)
    except (BadConnection, BadApiKeys, BadTracing) as error:
        print(f"api: {error}", file=sys.stderr)
        return 2
    except ValidationError as error:
        for flaw in error.errors():
            print(f"api: SEAWALL_{str(flaw['loc'][0]).upper()}: {flaw['msg']}", file=sys.stderr)
        return 2
    files = _raise_open_files() - _OTHER_FILES
    if secure is not None:  # handshakes count once they are over
        files = files * 3 // 4
    requests = app.state.service.requests
    terms = Terms(
        # what stands around the hot path must see every request, so it has none
        direct=getattr(app.state.hot_path, "direct", {}),
        reads=getattr(app.state.hot_path, "reads", {}),
        guard=app.state.guard,
        bounds=Bounds(
            body_bytes=settings.max_body_bytes,
            head_bytes=settings.max_head_bytes,
            request_s=settings.api_request_s,
            connections=min(settings.api_connections or files, files),
            note_turned_away=_ignore if requests is None else requests.turned_away,
        ),
        crowded=app.state.service.loop_queue.refuses,
        note_refused=_ignore if requests is None else requests.refused_read,
        note_refused_write=_ignore if requests is None else requests.refused_write,
        exchange=Exchange if requests is None else counted_exchange(requests),
    )
    app.state.guard.on_change(terms.forget)
    protocol: Callable[..., DirectProtocol] = partial(DirectProtocol, terms)
    if app.state.service.spans is not None:
        share = settings.trace_share
        protocol = partial(TracedProtocol, lambda: random.random() < share, terms)
    config = uvicorn.Config(
        app.state.hot_path,
        host=settings.api_host,
        port=settings.api_port,
        loop="uvloop",
        http=protocol,  # type: ignore[arg-type]  # is called
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
    listener = None
    if secure is not None and (settings.api_tls_port is not None or settings.api_tls_sockets):
        listener = TlsListener(secure, settings.api_tls_port, _opened(settings.api_tls_sockets))
    elif secure is not None:
        config.load()
        config.ssl = secure
    _calm_collector()
    server = DrainingServer(config, app.state.service.readiness, settings.api_drain_delay_s, listener)
    server.run(sockets=_opened(settings.api_sockets) or None)
    if not server.started:
        return 2
    # None where it was told twice to end, and did not wait to see what became of records
    return 0 if app.state.service.given_up == 0 else 1


def _ignore(*_: object) -> None:
    """Count nothing: nobody asked for metrics."""


def _opened(descriptors: Iterable[int]) -> list[socket.socket]:
    return [socket.socket(fileno=number) for number in descriptors]


def _calm_collector() -> None:
    """Let the garbage collector look at what is young and much, and leave alone what lives as long as the process.

    With 10,000 connections a look at everything takes a tenth of a second, in which no request is answered. A request
    leaves no garbage that reference counts do not free, so it is rarely needed.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 20, 20)


def _raise_open_files() -> int:
    """Every client holds a connection, so the soft limit goes up to the hard one, which is returned."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return _MOST_FILES if hard == resource.RLIM_INFINITY else max(hard, 2 * _OTHER_FILES)


if __name__ == "__main__":
    sys.exit(main())
