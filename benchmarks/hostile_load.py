"""Sends what no client should: a process of its own, since it must not slow the honest users' generator down."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
import sys
import time
from collections import Counter
from collections.abc import Iterator

import msgspec
import uvloop

from benchmarks.hostile_requests import CLOSED, attacks
from contract.api_keys import new_key

_ANSWER_S = 0.3
"""A damaged request may promise more than it sends; the service then waits, and the attacker leaves."""
_RESET = struct.pack("ii", 1, 0)
_TRICKLE_S = 0.5
_SHOWN_FAULTS = 10


class HostileLoad(msgspec.Struct, kw_only=True, frozen=True):
    """What to send."""

    host: str
    port: int
    key: str
    """One that is valid, so that most of it gets as far as it can."""
    record: str
    other: str
    """Two records that would be stored if anything of this got through; neither is sent on its own."""
    requests: int
    connections: int
    slow: int
    """Connections besides that send a byte now and then."""
    seed: int


class HostileSeen(msgspec.Struct, kw_only=True, frozen=True):
    """What came of it."""

    requests: int
    statuses: dict[int, int]
    """How often each was the first answer; 0 where there was none."""
    unanswered: int
    """Neither answered nor closed when the attacker left."""
    faults: list[str]
    """The first requests that were answered by 5xx other than 503."""
    fault_count: int
    slow_ended: int
    """Slow connections that the service ended."""
    seconds: float


def requests(load: HostileLoad) -> Iterator[tuple[str, bytes]]:
    """Yield names and bytes of requests for ever: the attacks by name, damaged requests, wrong keys.

    What is damaged is no record in two places, so that no damage makes one of it.
    """
    drawn = random.Random(load.seed)
    named = [
        (name, attack.sent)
        for name, attack in attacks(load.key, load.record.encode(), load.other.encode()).items()
        if not attack.waits and len(attack.sent) < 1 << 17 and 201 not in attack.allowed  # noqa: PLR2004 - HTTP
    ]
    unusable = load.record.replace('"age":', '"age":-', 1).replace("@", " at ", 1)
    guessed = new_key()
    while True:
        kind = drawn.random()
        path = drawn.choice(("sync", "grouped", "kafka"))
        if kind < 0.4:  # noqa: PLR2004 - shares of each kind
            yield drawn.choice(named)
        elif kind < 0.5:  # noqa: PLR2004
            yield "a wrong key", _post(path, drawn.choice((guessed, guessed[:-1], "x")), load.record.encode())
        else:
            yield "damaged", _damaged(_post(path, load.key, unusable.encode()), drawn)


def _post(path: str, key: str, body: bytes) -> bytes:
    head = f"POST /v1/{path}/users HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {key}\r\n"
    return f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def _damaged(request: bytes, drawn: random.Random) -> bytes:
    """Return *request* with bytes changed, taken away, repeated or put in."""
    data = bytearray(request)
    for _ in range(drawn.randint(1, 8)):
        place = drawn.randrange(len(data))
        way = drawn.randrange(5)
        if way == 0:
            data[place] = drawn.randrange(256)
        elif way == 1:
            del data[place : place + drawn.randint(1, 20)]
        elif way == 2:  # noqa: PLR2004 - one of five ways
            data[place:place] = data[place : place + drawn.randint(1, 200)]
        elif way == 3:  # noqa: PLR2004
            data[place:place] = drawn.randbytes(drawn.randint(1, 20))
        else:
            data[place:place] = drawn.choice((b"\r\n", b"\0", b":", b'"', b"{", b"[" * 500, b"\xff", b"9" * 50))
        if len(data) < 2:  # noqa: PLR2004 - nothing is left to damage
            break
    return bytes(data) or b"\0"


class _Attacker:
    def __init__(self, load: HostileLoad) -> None:
        self._load = load
        self._requests = requests(load)
        self._left = load.requests
        self.statuses: Counter[int] = Counter()
        self.faults: list[str] = []
        self.fault_count = self.unanswered = self.slow_ended = 0
        self.over = False

    async def attack(self) -> None:
        """Send one request after another, each on a connection of its own."""
        while self._left > 0:
            self._left -= 1
            name, sent = next(self._requests)
            try:
                status = await asyncio.wait_for(self._once(sent), _ANSWER_S)
            except TimeoutError:
                self.unanswered += 1
                continue
            self.statuses[status] += 1
            if status >= 500 and status != 503:  # noqa: PLR2004 - HTTP
                self.fault_count += 1
                if len(self.faults) < _SHOWN_FAULTS:
                    self.faults.append(f"{name}: {status}: {sent[:500]!r}")

    async def trickle(self) -> None:
        """Begin a request and never come to its end; once the service ends that, begin another."""
        while not self.over:
            reader, writer = await self._connect()
            try:
                writer.write(b"POST /v1/kafka/users HTTP/1.1\r\nX: ")
                while not self.over and not reader.at_eof():
                    await asyncio.sleep(_TRICKLE_S)
                    writer.write(b"y")
                    await writer.drain()
            except OSError:
                pass
            self.slow_ended += not self.over
            _reset(writer)

    async def _once(self, sent: bytes) -> int:
        reader, writer = await self._connect()
        try:
            writer.write(sent)
            line = await reader.readline()
        except OSError:
            line = b""
        finally:
            _reset(writer)
        return int(line[9:12]) if line[:9] == b"HTTP/1.1 " else CLOSED

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(self._load.host, self._load.port)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close at once: a hundred thousand connections that end in order would use up the ports."""
    found: socket.socket | None = writer.get_extra_info("socket")
    if found is not None and found.fileno() >= 0:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()


async def _run(load: HostileLoad) -> HostileSeen:
    attacker = _Attacker(load)
    begun_s = time.monotonic()
    slow = [asyncio.create_task(attacker.trickle()) for _ in range(load.slow)]
    await asyncio.gather(*(attacker.attack() for _ in range(load.connections)))
    attacker.over = True
    await asyncio.gather(*slow)
    return HostileSeen(
        requests=load.requests,
        statuses=dict(attacker.statuses),
        unanswered=attacker.unanswered,
        faults=attacker.faults,
        fault_count=attacker.fault_count,
        slow_ended=attacker.slow_ended,
        seconds=time.monotonic() - begun_s,
    )


if __name__ == "__main__":
    wanted = msgspec.json.decode(sys.stdin.buffer.read(), type=HostileLoad)
    print(msgspec.json.encode(uvloop.run(_run(wanted))).decode())
