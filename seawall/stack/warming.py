"""What a fresh cluster makes ready only when somebody asks for it: producer ids, and the group's coordinator.

Whoever asks first is told to come again, and the client library then waits for half a second or more. So we ask first,
in Kafka's own protocol, and again at once, until producers and consumers will get what they need at their first try.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable
from functools import partial

from contract.topics import SINK_GROUP

_FIND_COORDINATOR, _INIT_PRODUCER_ID = 10, 22
_NO_STRING = struct.pack(">h", -1)
_TRANSACTION_TIMEOUT = struct.pack(">i", 60_000)
_PAUSE_S = 0.02
_TIMEOUT_S = 2.0


def await_producer_ids(bootstrap_servers: str, within_s: float) -> bool:
    """Wait until every one of these brokers (unencrypted) hands out producer ids; tell whether it came to that."""
    deadline = time.monotonic() + within_s
    return all(_until(partial(hands_out_ids, server), deadline) for server in bootstrap_servers.split(","))


def await_coordinator(bootstrap_servers: str, within_s: float) -> bool:
    """Wait until every one of these brokers (unencrypted) knows who coordinates the sinks' group; tell whether so."""
    deadline = time.monotonic() + within_s
    return all(_until(partial(knows_coordinator, server), deadline) for server in bootstrap_servers.split(","))


def hands_out_ids(server: str) -> bool:
    """Ask the broker at *server* (``host:port``) for a producer id, which nobody will use; tell whether it gave one."""
    answer = _asked(server, _INIT_PRODUCER_ID, _NO_STRING + _TRANSACTION_TIMEOUT)
    return answer[4:6] == b"\0\0"  # after the throttle time, the error


def knows_coordinator(server: str) -> bool:
    """Ask the broker at *server* who coordinates the sinks' group; the first to ask has the topic of offsets made."""
    answer = _asked(server, _FIND_COORDINATOR, struct.pack(">h", len(SINK_GROUP)) + SINK_GROUP.encode())
    return answer[:2] == b"\0\0"


def _until(holds: Callable[[], bool], deadline: float) -> bool:
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(_PAUSE_S)
    return False


def _asked(server: str, request: int, body: bytes) -> bytes:
    """Send *request* in its version 0 and return the answer after its correlation id; empty where none came."""
    host, _, port = server.rpartition(":")
    text = struct.pack(">hhi", request, 0, 1) + _NO_STRING + body
    try:
        with socket.create_connection((host, int(port)), _TIMEOUT_S) as connection, connection.makefile("rb") as answer:
            connection.sendall(struct.pack(">i", len(text)) + text)
            (length,) = struct.unpack(">i", answer.read(4))
            return answer.read(length)[4:]
    except (OSError, struct.error):
        return b""
