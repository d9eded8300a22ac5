"""`GET /metrics` on a port of its own, in a thread of its own, for processes without an event loop.

Beyond loopback it asks for a key that allows administration, as the API does, from the same file.
"""

from __future__ import annotations

import hmac
import logging
import threading
from collections.abc import Iterable
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol

from prometheus_client import GCCollector, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

from contract.api_keys import Scope, digest_of, parse_keys
from contract.errors import BadApiKeys
from contract.loopback import is_loopback

log = logging.getLogger(__name__)

_PATIENCE_S = 5.0
_MOST_CLIENTS = 16
# Two threads that have msgspec decode a type for the first time at once crash the process (0.22).
_one_at_a_time = threading.Lock()


class Metrics(Protocol):
    """Shows others what the process counts."""

    def start(self) -> None:
        """Show it until the process ends; raises `OSError` where the port is taken."""
        ...


class NoMetrics:
    """Nobody asked for metrics."""

    def start(self) -> None:
        """Do nothing."""


class MetricsListener:
    """Serves *collectors*, and what Prometheus expects of every Python process."""

    def __init__(
        self, host: str, port: int, collectors: Iterable[Collector], keys_file: Path | None, *, setting: str
    ) -> None:
        """*keys_file* names the keys that let others than this machine in; *setting* is what *host* was named by.

        Raises `BadApiKeys` where the file is needed and not named.
        """
        if not is_loopback(host) and keys_file is None:
            raise BadApiKeys(
                f"{setting}: others could read the metrics at {host}; listen on 127.0.0.1, or name a file of keys by"
                " SEAWALL_API_KEYS_FILE"
            )
        self._host, self._port = host, port
        self._keys_file = None if is_loopback(host) else keys_file
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        GCCollector(registry=self._registry)
        for collector in collectors:
            self._registry.register(collector)
        self._server: _Server | None = None

    @property
    def url(self) -> str:
        """Where they are, once it listens."""
        assert self._server is not None
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}/metrics"

    def start(self) -> None:
        """Listen."""
        self._server = _Server((self._host, self._port), partial(_Handler, self._registry, self._keys_file))
        threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True).start()
        log.info("metrics: %s", self.url)


class _Server(ThreadingHTTPServer):
    """A thread a client, of whom there may be few at once: one who connects and says nothing keeps one for a while."""

    daemon_threads = True

    def __init__(self, *arguments: Any) -> None:
        self._free = threading.BoundedSemaphore(_MOST_CLIENTS)
        super().__init__(*arguments)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Begin to serve a client, or close its connection where there are too many."""
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a client."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, *_: object) -> None:
        """Say nothing of a client that went before it had its answer."""


class _Handler(BaseHTTPRequestHandler):
    timeout = _PATIENCE_S
    server_version, sys_version = "seawall", ""

    def __init__(self, registry: CollectorRegistry, keys_file: Path | None, *arguments: Any) -> None:
        self._registry, self._keys_file = registry, keys_file
        super().__init__(*arguments)

    def do_GET(self) -> None:
        """Answer one request."""
        refused = None if self._keys_file is None else _refusal(self._keys_file, self.headers.get("Authorization"))
        if refused is not None:
            self._send(refused, b"send a key that allows administration: `Authorization: Bearer KEY`\n")
        elif self.path.partition("?")[0] != "/metrics":
            self._send(HTTPStatus.NOT_FOUND, b"see /metrics\n")
        else:
            with _one_at_a_time:
                body = generate_latest(self._registry)
            self._send(HTTPStatus.OK, body)

    do_HEAD = do_GET  # noqa: N815 - the library calls it so

    def log_message(self, *_: object) -> None:
        """Log nothing: somebody asks every few seconds."""

    def _send(self, status: HTTPStatus, body: bytes) -> None:
        self.send_response(status)
        if status == HTTPStatus.UNAUTHORIZED:
            self.send_header("WWW-Authenticate", "Bearer")
        self.send_header("Content-Type", CONTENT_TYPE_PLAIN_0_0_4)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _refusal(keys_file: Path, authorization: str | None) -> HTTPStatus | None:
    """Tell why one with this header may not see the metrics; the file is read each time, so a key can be revoked."""
    scheme, _, key = (authorization or "").partition(" ")
    if scheme.lower() != "bearer":
        return HTTPStatus.UNAUTHORIZED
    digest, found = digest_of(key.strip().encode()), None
    try:
        for one in parse_keys(keys_file.read_text(encoding="utf-8")):
            if hmac.compare_digest(one.digest, digest):
                found = one
    except (OSError, UnicodeError, BadApiKeys):
        log.exception("metrics: the keys cannot be read, so nobody is let in")
    if found is None:
        return HTTPStatus.UNAUTHORIZED
    return None if Scope.ADMIN in found.scopes else HTTPStatus.FORBIDDEN
