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
from io import BufferedRWPair
from typing import Any

from contract.topics import SINK_GROUP

_FIND_COORDINATOR, _SASL_HANDSHAKE, _INIT_PRODUCER_ID, _SASL_AUTHENTICATE = 10, 17, 22, 36
_NEWER = {_SASL_HANDSHAKE: 1}
"""Versions of requests other than 0: that of the handshake takes the password in a request, too."""
_NO_STRING = struct.pack(">h", -1)
_TRANSACTION_TIMEOUT = struct.pack(">i", 60_000)
_PAUSE_S = 0.02
_TIMEOUT_S = 2.0


def await_producer_ids(settings: dict[str, Any], within_s: float) -> bool:
    """Wait until every broker of a cluster hands out producer ids; tell whether it came to that.

    *settings* are librdkafka's, of brokers without TLS that ask for no password, or for one by PLAIN.
    """
    deadline = time.monotonic() + within_s
    return all(_until(partial(hands_out_ids, one), deadline) for one in _each(settings))


def await_coordinator(settings: dict[str, Any], within_s: float) -> bool:
    """Wait until every broker knows who coordinates the sinks' group; *settings* and result as above."""
    deadline = time.monotonic() + within_s
    return all(_until(partial(knows_coordinator, one), deadline) for one in _each(settings))


def hands_out_ids(settings: dict[str, Any]) -> bool:
    """Ask the one broker of *settings* for a producer id, which nobody will use; tell whether it gave one."""
    answer = _asked(settings, _INIT_PRODUCER_ID, _NO_STRING + _TRANSACTION_TIMEOUT)
    return answer[4:6] == b"\0\0"  # after the throttle time, the error


def knows_coordinator(settings: dict[str, Any]) -> bool:
    """Ask the one broker who coordinates the sinks' group; the first to ask has the topic of offsets made."""
    return _asked(settings, _FIND_COORDINATOR, _text(SINK_GROUP))[:2] == b"\0\0"


def _each(settings: dict[str, Any]) -> list[dict[str, Any]]:
    return [{**settings, "bootstrap.servers": server} for server in settings["bootstrap.servers"].split(",")]


def _until(holds: Callable[[], bool], deadline: float) -> bool:
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(_PAUSE_S)
    return False


def _asked(settings: dict[str, Any], request: int, body: bytes) -> bytes:
    """Send *request* and return the answer after its correlation id; empty where none came."""
    host, _, port = settings["bootstrap.servers"].rpartition(":")
    try:
        with socket.create_connection((host, int(port)), _TIMEOUT_S) as connection, connection.makefile("rwb") as wire:
            if settings.get("sasl.mechanism") == "PLAIN":
                token = f"\0{settings['sasl.username']}\0{settings['sasl.password']}".encode()
                _exchange(wire, _SASL_HANDSHAKE, _text("PLAIN"))
                _exchange(wire, _SASL_AUTHENTICATE, struct.pack(">i", len(token)) + token)
            return _exchange(wire, request, body)
    except (OSError, struct.error):
        return b""


def _exchange(wire: BufferedRWPair, request: int, body: bytes) -> bytes:
    text = struct.pack(">hhi", request, _NEWER.get(request, 0), 1) + _NO_STRING + body
    wire.write(struct.pack(">i", len(text)) + text)
    wire.flush()
    (length,) = struct.unpack(">i", wire.read(4))
    return wire.read(length)[4:]


def _text(value: str) -> bytes:
    return struct.pack(">h", len(value)) + value.encode()
