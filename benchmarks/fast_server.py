"""A server that costs next to nothing: answers every request with 201 at once, so that the generator is the slower one.

``python -m benchmarks.fast_server --port PORT``; keep-alive HTTP/1.1, bodies of a stated length only.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
from typing import cast

import uvloop

_HEAD_END = b"\r\n\r\n"
_BODY = b'{"status":"created"}'
_ANSWER = b"HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
    len(_BODY),
    _BODY,
)


class Answering(asyncio.Protocol):
    """One connection; an answer for each whole request."""

    def __init__(self) -> None:
        self._pending = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where answers go."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but its class

    def data_received(self, data: bytes) -> None:
        """Answer every request that is now whole."""
        self._pending += data
        while (end := self._pending.find(_HEAD_END)) >= 0:
            whole = end + len(_HEAD_END) + body_length(self._pending[:end])
            if len(self._pending) < whole:
                return
            self._pending = self._pending[whole:]
            self._transport.write(_ANSWER)


def body_length(head: bytes) -> int:
    """Return the length of the body that *head* announces; 0 where it announces none."""
    place = head.lower().find(b"\r\ncontent-length:")
    if place < 0:
        return 0
    return int(head[place + 17 :].partition(b"\r\n")[0])


async def serve(port: int) -> None:
    """Serve until the process is ended."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", port, backlog=4_096)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    uvloop.run(serve(parser.parse_args().port))
