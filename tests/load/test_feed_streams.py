"""A WebSocket as the load generator reads it, however its bytes come."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import msgspec
import pytest
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Ping, Pong, Request, TextMessage

from seawall.load.feed.streams import StreamEnded, open_stream

TEXTS = [
    msgspec.json.encode(
        {
            "id": str(number),
            "published_ns": number,
            "records": [{"entity": "x" * size, "record": {"id": "00000000-0000-8000-8000-000000000000"}}],
        }
    ).decode()
    for number, size in enumerate((1, 10, 300, 66_000, 5))
]


class Server:
    """A WebSocket server of one connection, which sends what it is given, in pieces of so many bytes."""

    def __init__(self, piece: int, rest: Sequence[bytes] = ()) -> None:
        self._piece, self._rest = piece, rest
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.heard: list[object] = []
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        """Wait for its end."""
        self._thread.join(timeout=20)
        self._listener.close()

    def _serve(self) -> None:
        protocol = WSConnection(ConnectionType.SERVER)
        connection, _ = self._listener.accept()
        with connection:
            connection.settimeout(20)
            while not any(isinstance(event, Request) for event in protocol.events()):
                protocol.receive_data(connection.recv(4_096))
            said = protocol.send(AcceptConnection())
            said += protocol.send(TextMessage(data=TEXTS[0]))  # which comes with the answer
            said += protocol.send(Ping(payload=b"one"))
            said += b"".join(protocol.send(TextMessage(data=text)) for text in TEXTS[1:4])
            half = len(TEXTS[4]) // 2
            said += protocol.send(TextMessage(data=TEXTS[4][:half], message_finished=False))
            said += protocol.send(Ping(payload=b"two"))
            said += protocol.send(TextMessage(data=TEXTS[4][half:]))
            said += b"".join(self._rest) or protocol.send(CloseConnection(code=1001, reason="enough"))
            for at in range(0, len(said), self._piece):
                connection.sendall(said[at : at + self._piece])
            while data := connection.recv(4_096):
                protocol.receive_data(data)
                self.heard += protocol.events()


@contextmanager
def serving(piece: int, rest: Sequence[bytes] = ()) -> Iterator[Server]:
    """Run one."""
    server = Server(piece, rest)
    try:
        yield server
    finally:
        server.close()


@pytest.mark.parametrize("piece", [97, 4_096, 1_000_000])
def test_every_message_is_read_however_it_comes(piece: int) -> None:
    """In one frame of each size, in two with a ping between them, in pieces and all at once; pings are answered."""
    with serving(piece) as server:
        stream = open_stream("websocket", server.url, {}, {})
        frames = [stream.next()[1] for _ in TEXTS]
        with pytest.raises(StreamEnded, match="1001: enough"):
            stream.next()
        stream.close()
    assert [msgspec.to_builtins(frame) for frame in frames] == [
        {
            **said,
            "records": [{"partition": -1, "offset": -1, **one} for one in said["records"]],
        }
        for said in map(msgspec.json.decode, TEXTS)
    ]
    assert [bytes(event.payload) for event in server.heard if isinstance(event, Pong)] == [b"one", b"two"]


def test_what_comes_behind_the_end_is_an_error() -> None:
    """A server that goes on is not taken for one that ended well."""
    end = b"\x88\x02\x03\xe9"
    with serving(1_000_000, [end, b"\x81\x02{}"]) as server:
        stream = open_stream("websocket", server.url, {}, {})
        with pytest.raises(StreamEnded, match="1006: the feed went on behind the end"):
            [stream.next() for _ in range(len(TEXTS) + 1)]
        stream.close()


@pytest.mark.parametrize(
    "rest",
    [b"\x81\x82abcd\x00\x00", b"\xf1\x00", b"\x83\x00"],
    ids=["masked", "with bits that mean nothing here", "of an unknown kind"],
)
def test_a_frame_that_no_server_may_send_ends_the_stream(rest: bytes) -> None:
    """With words, and behind all that came before it."""
    with serving(1_000_000, [rest]) as server:
        stream = open_stream("websocket", server.url, {}, {})
        for _ in TEXTS:
            stream.next()
        with pytest.raises(StreamEnded, match=r"1002|no WebSocket"):
            stream.next()
        stream.close()
