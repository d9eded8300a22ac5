"""``python -m seawall.stack.notification_receiver PORT FILE``: takes notifications, and writes down whose they are.

A POST holds a JSON array of notifications; the ids of their orders are in *FILE*, a line each, before it is answered.
"""

from __future__ import annotations

import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock

import msgspec

from seawall.stack.ports import HOST

READY = "ready"
_MOST_BYTES = 1_000_000
_IDLE_S = 300


class _Notification(msgspec.Struct):
    order: str


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _IDLE_S
    lock: Lock
    path_of_ids: Path

    def do_POST(self) -> None:
        size = int(self.headers.get("Content-Length", "0"))
        if size > _MOST_BYTES:
            self._answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return
        try:
            notifications = msgspec.json.decode(self.rfile.read(size), type=list[_Notification])
        except msgspec.DecodeError:
            self._answer(HTTPStatus.BAD_REQUEST)
            return
        with self.lock, self.path_of_ids.open("a", encoding="ascii") as file:
            file.writelines(f"{one.order}\n" for one in notifications)
        self._answer(HTTPStatus.NO_CONTENT)

    def log_message(self, *_: object) -> None:
        """Say nothing of each request."""

    def _answer(self, status: HTTPStatus) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()


def main() -> None:
    """Serve until SIGTERM."""
    port, path = int(sys.argv[1]), Path(sys.argv[2])
    path.touch()
    _Handler.lock, _Handler.path_of_ids = Lock(), path
    server = ThreadingHTTPServer((HOST, port), _Handler)
    print(READY, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
