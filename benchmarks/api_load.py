"""The load of the API's benchmarks: a process of its own, as cheap as asyncio allows, that sends distinct records.

``python -m benchmarks.api_load`` reads an `ApiLoad` from its input and prints an `ApiSeen`. Products, users and orders
in turn, each record with a new id; the connections take turns at a fixed rate, whether or not answers come.
"""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import sys
import time
from collections.abc import Iterator
from itertools import cycle
from typing import cast
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
import numpy as np
import psutil
import uvloop

from contract.entities import ENTITIES
from contract.ids import low_bits, new_run
from contract.samples import sample_fields

_CONTENTS = 300
_ID_BYTES = len('{"id":"",') + 36
_TICK_S = 0.001
_ANSWERED_WITHIN_S = 15.0
SHARES = (0.5, 0.95, 0.99, 0.999, 1.0)


class ApiLoad(msgspec.Struct, kw_only=True, frozen=True):
    """What to send."""

    url: str
    path: str
    """The part of the URL before the entity's name: ``/v1/kafka``."""
    key: str
    """Of the API."""
    pid: int
    """Of the server, whose processor time is read when the first request that counts is sent and after the last."""
    connections: int
    seconds: float = 0.0
    warmup_s: float = 0.5
    rate_per_s: float = 0.0
    """Of all connections together."""
    core: int | None = None
    """The processor that the load is bound to."""
    seed: int = 1


class ApiSeen(msgspec.Struct, kw_only=True, frozen=True):
    """What came of it; times run from when a request was due to its answer."""

    requests: int
    failed: int
    """Answered without success, or not at all because the connection broke."""
    unanswered: int
    """Still waiting when the load gave up."""
    seconds: float
    cpu_s: float
    """Of the server, user and system, all its threads."""
    load_cpu_s: float
    quantiles_ms: list[float]
    """At `SHARES`."""


def bodies(load: ApiLoad) -> Iterator[bytes]:
    """Yield requests of all entities in turn, for ever, each with a new id."""
    host = urlsplit(load.url).netloc
    parts: list[tuple[int, bytes, bytes]] = []
    drawn = [sample_fields(entity, load.seed, _CONTENTS) for entity in ENTITIES.values()]
    for fields in zip(*drawn, strict=True):
        for entity, content in zip(ENTITIES.values(), fields, strict=True):
            rest = msgspec.json.encode(content)[1:]
            head = (
                f"POST {load.path}/{entity.name} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {load.key}\r\n"
                "Content-Type: application/json\r\n"
                f'Content-Length: {len(rest) + _ID_BYTES}\r\n\r\n{{"id":"'
            )
            parts.append((entity.number, head.encode(), b'",' + rest))
    high = str(UUID(int=new_run().high << 64))[:18].encode()
    for sequence, (number, before, after) in enumerate(cycle(parts)):
        low = low_bits(sequence, 0, number)
        yield b"%b%b-%04x-%012x%b" % (before, high, low >> 48, low & 0xFFFF_FFFF_FFFF, after)


class Round:
    """The state that all connections to a server share."""

    def __init__(self, load: ApiLoad, *, closed_loop: bool) -> None:
        """In a *closed_loop* an answer is followed by the next request, until the round is *ending*."""
        self.bodies = bodies(load)
        self.closed_loop = closed_loop
        self.counting = self.ending = False
        self.failed = 0
        self.times_s: list[float] = []
        self.waiting = 0


class Connection(asyncio.Protocol):
    """One keep-alive connection with one request under way at most."""

    def __init__(self, shared: Round) -> None:
        self._shared = shared
        self._pending = b""
        self._due: list[float] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where requests go."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but its class

    def connection_lost(self, exc: Exception | None) -> None:
        """Count what will not be answered any more."""
        del exc
        self._shared.failed += len(self._due)
        self._shared.waiting -= len(self._due)
        self._due = []

    def send(self, due_s: float) -> None:
        """Send a request now, or after the answer to the one before."""
        self._due.append(due_s)
        self._shared.waiting += 1
        if len(self._due) == 1:
            self._transport.write(next(self._shared.bodies))

    def data_received(self, data: bytes) -> None:
        """Note an answer that is now whole, and send the next request."""
        if self._pending:
            data = self._pending + data
        end = data.find(b"\r\n\r\n")
        place = data.find(b"content-length: ", 0, end)
        if end < 0 or len(data) < end + 4 + int(data[place + 16 : data.index(b"\r\n", place)]):
            self._pending = data
            return
        self._pending = b""
        now_s, shared = time.monotonic(), self._shared
        due_s = self._due.pop(0)
        shared.waiting -= 1
        if shared.counting:
            shared.times_s.append(now_s - due_s)
            shared.failed += data[9:10] != b"2"
        if shared.closed_loop and not shared.ending:
            self.send(now_s)
        elif self._due:
            self._transport.write(next(shared.bodies))


def connections_at_most() -> int:
    """Return how many connections the limit of open files allows, with some to spare."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return hard - 100


async def connected(load: ApiLoad, shared: Round) -> list[Connection]:
    """Return all connections of *load*."""
    place = urlsplit(load.url)
    found = []
    for _ in range(load.connections):
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: Connection(shared), place.hostname or "", place.port or 80
        )
        found.append(connection)
    return found


async def _run(load: ApiLoad) -> ApiSeen:
    shared = Round(load, closed_loop=False)
    connections = await connected(load, shared)
    gc.collect()
    gc.freeze()
    gc.disable()
    server, own = psutil.Process(load.pid), psutil.Process()
    pacing = asyncio.create_task(_paced(load, connections, shared))
    await asyncio.sleep(load.warmup_s)
    begun_s, begun_cpu_s, begun_own_s = time.monotonic(), _cpu_s(server), _cpu_s(own)
    shared.counting = True
    await asyncio.sleep(load.seconds)
    shared.ending = True
    seconds, cpu_s, own_s = time.monotonic() - begun_s, _cpu_s(server) - begun_cpu_s, _cpu_s(own) - begun_own_s
    # what is counted up to here belongs to the processor time; what follows, to the quantiles
    requests = len(shared.times_s)
    pacing.cancel()
    give_up_s = time.monotonic() + _ANSWERED_WITHIN_S
    while shared.waiting and time.monotonic() < give_up_s:  # noqa: ASYNC110 - answers come or not
        await asyncio.sleep(0.01)
    quantiles = np.quantile(shared.times_s or [0.0], SHARES) * 1000
    return ApiSeen(
        requests=requests,
        failed=shared.failed,
        unanswered=shared.waiting,
        seconds=seconds,
        cpu_s=cpu_s,
        load_cpu_s=own_s,
        quantiles_ms=[round(float(quantile), 3) for quantile in quantiles],
    )


async def _paced(load: ApiLoad, connections: list[Connection], shared: Round) -> None:
    begun_s, sent = time.monotonic(), 0
    while not shared.ending:
        due = int((time.monotonic() - begun_s) * load.rate_per_s)
        for number in range(sent, due):
            connections[number % len(connections)].send(begun_s + number / load.rate_per_s)
        sent = due
        await asyncio.sleep(_TICK_S)


def _cpu_s(process: psutil.Process) -> float:
    used = process.cpu_times()
    return float(used.user + used.system)


if __name__ == "__main__":
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    wanted = msgspec.json.decode(sys.stdin.buffer.read(), type=ApiLoad)
    if wanted.core is not None:
        os.sched_setaffinity(0, {wanted.core})
    print(msgspec.json.encode(uvloop.run(_run(wanted))).decode())
