"""``python -m seawall.observe.trace_receiver``: keeps traces, for those who have no collector.

It takes OTLP over HTTP in protobuf on loopback, and writes a line of OTLP's JSON for each request: the format of the
collector's file exporter, so that a collector can read it later. The file is bounded; the older half goes.
"""

from __future__ import annotations

import argparse
import base64
import logging
import signal
import sys
import threading
import zlib
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from seawall.observe.trace_file import older_file
from seawall.stack.ports import HOST

MOST_BYTES = 64 * 2**20
"""Of a file; there are two at most."""
PATH = "/v1/traces"
_MOST_BODY_BYTES = 16 * 2**20
_MOST_PLAIN_BYTES = 64 * 2**20
_PROTOBUF = "application/x-protobuf"
_IDS = ("traceId", "spanId", "parentSpanId")
_ENDS = {signal.SIGTERM, signal.SIGINT}

log = logging.getLogger(__name__)


class TraceFile:
    """A file of spans that grows to a size, then begins anew beside the one before."""

    def __init__(self, path: Path, most_bytes: int = MOST_BYTES) -> None:
        self._path, self._most_bytes = path, most_bytes
        self._lock = threading.Lock()

    def add(self, line: bytes) -> None:
        """Write *line* behind the others."""
        with self._lock:
            if self._path.exists() and self._path.stat().st_size + len(line) > self._most_bytes:
                self._path.replace(older_file(self._path))
            with self._path.open("ab") as file:
                file.write(line + b"\n")


class Receiver(ThreadingHTTPServer):
    """Listens on loopback, and asks for nothing."""

    daemon_threads = True

    def __init__(self, port: int, kept: TraceFile) -> None:
        super().__init__((HOST, port), _Handler)
        self.kept = kept


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60.0
    server: Receiver

    def do_GET(self) -> None:
        """Say that it is there."""
        self._answer(HTTPStatus.OK)

    def do_POST(self) -> None:
        """Keep the spans of one request."""
        length = self.headers.get("Content-Length", "")
        kind = self.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if self.path != PATH:
            self._answer(HTTPStatus.NOT_FOUND)
        elif not length.isdigit():
            self._answer(HTTPStatus.LENGTH_REQUIRED)
        elif int(length) > _MOST_BODY_BYTES:
            self._answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        elif kind != _PROTOBUF:  # which no other site's page can send here without being asked first
            self._answer(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        else:
            try:
                self.server.kept.add(line_of(_plain(self.rfile.read(int(length)), self.headers)))
            except (DecodeError, ValueError, zlib.error):
                self._answer(HTTPStatus.BAD_REQUEST)
            except OSError as error:
                log.warning("spans are not kept: %s", error)
                self._answer(HTTPStatus.INSUFFICIENT_STORAGE)
            else:
                self._answer(HTTPStatus.OK)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library calls it so
        """Say nothing of each request."""

    def _answer(self, status: HTTPStatus) -> None:
        self.send_response(status)
        self.send_header("Content-Type", _PROTOBUF)
        self.send_header("Content-Length", "0")
        if status != HTTPStatus.OK:  # a body may be left unread
            self.close_connection = True
            self.send_header("Connection", "close")
        self.end_headers()


def line_of(body: bytes) -> bytes:
    """Return a request's spans as a line of OTLP's JSON; raises `DecodeError` where *body* is none."""
    found = MessageToDict(ExportTraceServiceRequest.FromString(body), use_integers_for_enums=True)
    for span in _spans(found):
        for place in (span, *span.get("links", ())):
            for name in _IDS:
                if name in place:  # OTLP's JSON has them in hexadecimal digits, protobuf's in base64
                    place[name] = _hexadecimal(place[name])
    return msgspec.json.encode(found)


def _spans(found: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for resource in found.get("resourceSpans", ()):
        for scope in resource.get("scopeSpans", ()):
            yield from scope.get("spans", ())


def _hexadecimal(text: str) -> str:
    return base64.b64decode(text).hex()


def _plain(body: bytes, headers: Any) -> bytes:
    """Undo the compression; raises `ValueError` or `zlib.error`."""
    encoding = headers.get("Content-Encoding", "identity").strip().lower()
    if encoding == "identity":
        return body
    if encoding not in ("gzip", "deflate"):
        raise ValueError(encoding)
    inflater = zlib.decompressobj(zlib.MAX_WBITS + (16 if encoding == "gzip" else 0))
    plain = inflater.decompress(body, _MOST_PLAIN_BYTES)
    if not inflater.eof:
        raise ValueError("too long, or cut off")
    return plain


def main() -> int:
    """Keep spans until SIGTERM; return the exit code."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDS)  # before there are threads, which take that over
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="on loopback")
    parser.add_argument("--file", type=Path, required=True, help="that takes the spans")
    asked = parser.parse_args()
    receiver = Receiver(asked.port, TraceFile(asked.file))
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    signal.sigwait(_ENDS)
    receiver.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
