"""A connection of the kind that HTTP clients do not make."""

from __future__ import annotations

import contextlib
import re
import socket
import time

from benchmarks.hostile_requests import CLOSED


class Peer:
    """A connection that sends what it is told, and says what came of it."""

    def __init__(self, host: str, port: int) -> None:
        self.socket = socket.create_connection((host, port), timeout=20)

    def send(self, data: bytes) -> None:
        """Send, as far as the other side takes it."""
        with contextlib.suppress(OSError):  # it may have closed before the end: its answer is what counts
            self.socket.sendall(data)

    def slowly(self, data: bytes, pause_s: float) -> float:
        """Send a byte after the other until the connection is closed; return how long that took."""
        begun = time.monotonic()
        for number in range(len(data)):
            try:
                self.socket.sendall(data[number : number + 1])
            except OSError:
                break
            time.sleep(pause_s)
        return time.monotonic() - begun

    def statuses(self, within_s: float = 10.0) -> list[int]:
        """Return the statuses of all answers until nothing comes, with 0 at the end where the connection was closed."""
        found, seen = [], b""
        self.socket.settimeout(within_s)
        while True:
            try:
                data = self.socket.recv(1 << 16)
            except TimeoutError:
                break
            except OSError:
                data = b""
            if not data:
                found = _statuses(seen)
                found.append(CLOSED)
                break
            seen += data
            found = _statuses(seen)
            self.socket.settimeout(0.05)  # what else comes is on its way
        return found

    def close(self) -> None:
        """Close it."""
        self.socket.close()


def _statuses(answers: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answers)]
