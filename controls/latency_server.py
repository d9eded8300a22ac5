"""A plain HTTP server whose answers take a known time, and which writes down how long each really took.

``python -m controls.latency_server --port 0 --median-ms 10 --sigma 0.5 --seed 1 --log FILE`` answers every POST with
201 and everything else with 200. Service times are lognormal: the median and the standard deviation of their logarithm
are given. A simulated freeze holds back every answer that would fall into it, while requests are still read, so that
the log knows when each was there.

The log is a CSV file of two columns, ``read_ns`` and ``answered_ns``, both of the monotonic clock: when the last byte
of a request had been read, and when its answer had been written. What timers add to the drawn time (epoll counts in
whole milliseconds) is in there. Requests to ``/livez`` and ``/readyz`` are answered at once and not logged.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import math
import random
import resource
import signal
import sys
import time
from collections import deque
from pathlib import Path
from typing import TextIO

HOST = "127.0.0.1"
_HEAD_END = b"\r\n\r\n"
_UNDELAYED = (b"/livez", b"/readyz")
_FLUSH_S = 0.5
_CREATED = b"HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
_OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"


class Freezes:
    """Times at which nothing is answered: the last *freeze_s* of every *every_s* since *start_s*."""

    def __init__(self, freeze_s: float, every_s: float, start_s: float) -> None:
        if freeze_s < 0 or (freeze_s and every_s <= freeze_s):
            raise ValueError("a freeze must be shorter than the time from one to the next")
        self._freeze_s, self._every_s, self._start_s = freeze_s, every_s, start_s

    def thaw_s(self, at_s: float) -> float:
        """Return *at_s*, or the end of the freeze that it falls into."""
        if not self._freeze_s:
            return at_s
        rounds, within_s = divmod(at_s - self._start_s, self._every_s)
        if within_s < self._every_s - self._freeze_s:
            return at_s
        return self._start_s + (rounds + 1) * self._every_s


class ServiceTimes:
    """How long each answer is meant to take: seeded, one draw a request."""

    def __init__(self, median_ms: float, sigma: float, seed: int) -> None:
        if median_ms < 0 or sigma < 0:
            raise ValueError("the median and sigma must not be below 0")
        self._median_s, self._sigma = median_ms / 1000, sigma
        self._random = random.Random(seed)

    def draw_s(self) -> float:
        """Return the next service time."""
        return self._median_s * math.exp(self._random.gauss(0.0, self._sigma)) if self._sigma else self._median_s


class TimeLog:
    """Collects what happened and writes it now and then, so that no request waits for a disk."""

    def __init__(self, file: TextIO | None) -> None:
        self._file = file
        self._lines: list[str] = []
        if file is not None:
            file.write("read_ns,answered_ns\n")

    def add(self, read_ns: int, answered_ns: int) -> None:
        """Note one request."""
        self._lines.append(f"{read_ns},{answered_ns}\n")

    def flush(self) -> None:
        """Write what was collected."""
        lines, self._lines = self._lines, []
        if self._file is not None:
            self._file.writelines(lines)
            self._file.flush()


class Connection(asyncio.Protocol):
    """One keep-alive connection; requests of one connection are answered one after the other."""

    def __init__(self, times: ServiceTimes, freezes: Freezes, log: TimeLog) -> None:
        self._times, self._freezes, self._log = times, freezes, log
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport
        self._unread = b""
        self._waiting: deque[tuple[bytes, int]] = deque()  # answer, when its request was read

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the new connection."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Take bytes of requests."""
        read_ns = time.monotonic_ns()
        self._unread += data
        while (end := self._unread.find(_HEAD_END)) >= 0:
            head = self._unread[:end]
            size = end + len(_HEAD_END) + _content_length(head)
            if len(self._unread) < size:
                return
            self._unread = self._unread[size:]
            method, _, rest = head.partition(b" ")
            if rest.startswith(_UNDELAYED):
                self._transport.write(_OK)
                continue
            self._waiting.append((_CREATED if method == b"POST" else _OK, read_ns))
            if len(self._waiting) == 1:
                self._begin(read_ns)

    def _begin(self, at_ns: int) -> None:
        """Let the first waiting request take its time from *at_ns* on."""
        begun_s = self._freezes.thaw_s(at_ns / 1e9)
        due_s = self._freezes.thaw_s(begun_s + self._times.draw_s())
        # the loop's clock is the monotonic clock
        self._loop.call_at(due_s, self._answer)

    def _answer(self) -> None:
        answer, read_ns = self._waiting.popleft()
        if self._transport.is_closing():
            return
        now_ns = time.monotonic_ns()  # before the writing: a client may have read it before this line came after
        self._transport.write(answer)
        self._log.add(read_ns, now_ns)
        if self._waiting:
            self._begin(now_ns)


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


async def serve(host: str, port: int, times: ServiceTimes, freezes: Freezes, log: TimeLog) -> None:
    """Serve until SIGTERM or SIGINT; the first line of standard output says where."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = await loop.create_server(lambda: Connection(times, freezes, log), host, port, backlog=4096)
    print(f"listening on http://{host}:{server.sockets[0].getsockname()[1]}", flush=True)
    # a pause of the collector would be a service time that nobody drew
    gc.collect()
    gc.freeze()
    gc.disable()
    while not stop.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _FLUSH_S)
        log.flush()
    server.close()


def main(arguments: list[str] | None = None) -> int:
    """Read the options, serve, and return the exit code."""
    parser = argparse.ArgumentParser(prog="controls.latency_server", description=__doc__.partition("\n")[0])
    parser.add_argument("--host", default=HOST, help="the address it listens on; loopback by default")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--median-ms", type=float, default=10.0, help="median of the service times")
    parser.add_argument("--sigma", type=float, default=0.0, help="standard deviation of their logarithm; 0: all alike")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--freeze-ms", type=float, default=0.0, help="how long nothing is answered")
    parser.add_argument("--freeze-every-s", type=float, default=5.0, help="from one freeze to the next")
    parser.add_argument("--log", type=Path, help="CSV file of the true times")
    given = parser.parse_args(arguments)
    try:
        times = ServiceTimes(given.median_ms, given.sigma, given.seed)
        freezes = Freezes(given.freeze_ms / 1000, given.freeze_every_s, time.monotonic())
    except ValueError as error:
        parser.error(str(error))
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with contextlib.ExitStack() as stack:
        file = None
        if given.log is not None:
            try:
                given.log.parent.mkdir(parents=True, exist_ok=True)
                file = stack.enter_context(given.log.open("w", encoding="ascii"))
            except OSError as error:
                parser.error(f"--log {given.log}: {error.strerror}")
        try:
            asyncio.run(serve(given.host, given.port, times, freezes, TimeLog(file)))
        except OSError as error:
            parser.error(f"{given.host} port {given.port}: {error.strerror}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
