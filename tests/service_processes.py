"""API and sink processes with settings of their own, and a network that can be cut, for the tests of both."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx

from contract.connections import Connections

_READY_S = 20.0
_STOP_S = 20.0


def eventually(check: Callable[[], object], within_s: float = 15.0) -> None:
    """Return as soon as *check* is true; fail when it is not within the time."""
    due_s = time.monotonic() + within_s
    while not check():
        assert time.monotonic() < due_s, "it did not happen in time"
        time.sleep(0.02)


class Gate:
    """A TCP port that leads to another one on this machine, until it is cut."""

    def __init__(self, target_port: int) -> None:
        self._target = ("127.0.0.1", target_port)
        self._open = True
        self._pairs: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Break every connection, and let no new one through."""
        self._open = False
        pairs, self._pairs = self._pairs, []
        for end in pairs:
            _close(end)

    def mend(self) -> None:
        """Let connections through again."""
        self._open = True

    def close(self) -> None:
        """Cut for good."""
        self.cut()
        _close(self._listener)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if not self._open:
                    _close(client)
                    continue
                with contextlib.suppress(OSError):
                    server = socket.create_connection(self._target)
                    self._pairs += [client, server]
                    for source, sink in ((client, server), (server, client)):
                        threading.Thread(target=_pump, args=(source, sink), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    _close(source)
    _close(sink)


def _close(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()


@contextlib.contextmanager
def gate_to(address: str) -> Iterator[tuple[Gate, str]]:
    """Yield a gate to the server of *address* (a URL, or host:port), and the address that leads through it."""
    found = re.search(r":(\d+)(?=/|$)", address)
    assert found
    gate = Gate(int(found[1]))
    try:
        yield gate, f"{address[: found.start(1)]}{gate.port}{address[found.end(1) :]}"
    finally:
        gate.close()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _environment(connections: Connections, changes: dict[str, str | None]) -> dict[str, str]:
    names = {**connections.environment(), "SEAWALL_API_WITHOUT_KEYS": "true", **changes}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SEAWALL_")}
    return {**kept, **{name: value for name, value in names.items() if value is not None}}


@contextlib.contextmanager
def running(
    module: str,
    environment: dict[str, str],
    log: Path,
    pass_fds: tuple[int, ...] = (),
    arguments: tuple[str, ...] = (),
) -> Iterator[subprocess.Popen[bytes]]:
    """Run ``python -m module`` with *arguments*, and stop it at the end as a supervisor would."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            env=environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
            pass_fds=pass_fds,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise


@contextlib.contextmanager
def running_api(
    connections: Connections, directory: Path, module: str = "api", port: int | None = None, /, **changes: str | None
) -> Iterator[tuple[httpx.Client, subprocess.Popen[bytes]]]:
    """Yield a client of an API process of its own, once that is alive; a change of None takes a setting away.

    It listens on *port*, or on any that is free.
    """
    port = free_port() if port is None else port
    environment = _environment(connections, {"SEAWALL_API_PORT": str(port), **changes})
    log = directory / f"api-{port}.log"
    with (
        running(module, environment, log) as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client,
    ):

        def is_alive() -> bool:
            assert process.poll() is None, log.read_text()
            with contextlib.suppress(httpx.TransportError):
                return client.get("/livez").is_success
            return False

        eventually(is_alive, _READY_S)
        yield client, process


@contextlib.contextmanager
def running_api_at(
    connections: Connections, directory: Path, listener: socket.socket, **changes: str | None
) -> Iterator[subprocess.Popen[bytes]]:
    """Yield an API process, right after its start, that accepts from a socket which outlives it."""
    number = listener.fileno()
    environment = _environment(connections, {"SEAWALL_API_SOCKETS": f"[{number}]", **changes})
    with running("api", environment, directory / "api.log", (number,)) as process:
        yield process


@contextlib.contextmanager
def running_sink(connections: Connections, directory: Path, **changes: str | None) -> Iterator[subprocess.Popen[bytes]]:
    """Yield a sink process of its own, right after its start."""
    environment = _environment(connections, {"SEAWALL_JOURNAL_DIR": str(directory), **changes})
    with running("workers.sink", environment, directory / "sink.log") as process:
        yield process
