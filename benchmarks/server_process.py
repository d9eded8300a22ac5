"""Servers of the benchmarks, each a process of its own, started as the stack starts its servers."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.errors import ProcessFailed
from seawall.stack import launch
from seawall.stack.children import NICENESS
from seawall.stack.ports import HOST, free_ports

_READY_S = 15.0
_STOP_S = 10.0


@dataclass(frozen=True)
class ServerProcess:
    """A server that answers."""

    url: str
    pid: int


@contextlib.contextmanager
def running(module: str, *arguments: str) -> Iterator[ServerProcess]:
    """Run ``python -m MODULE --port P`` with *arguments*, at the priority of the stack's servers.

    It is ended with SIGTERM, so that it can write what it has to. Raises `ProcessFailed` where it does not answer.
    """
    port = free_ports(1)[0]
    command = [sys.executable, "-P", "-m", module, "--port", str(port), *arguments]
    launcher = [sys.executable, "-I", "-S", launch.__file__, str(os.getpid()), str(int(signal.SIGTERM))]
    with subprocess.Popen(
        [*launcher, str(NICENESS), "-", *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,  # ours is for the result
    ) as process:
        try:
            _await_ready(process, port, command)
            yield ServerProcess(f"http://{HOST}:{port}", process.pid)
        finally:
            process.terminate()
            try:
                process.wait(timeout=_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()


def _await_ready(process: subprocess.Popen[bytes], port: int, command: list[str]) -> None:
    deadline = time.monotonic() + _READY_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1):
            return
        time.sleep(0.02)
    raise ProcessFailed(f"{' '.join(command)}: does not answer; run it by itself to see why")
