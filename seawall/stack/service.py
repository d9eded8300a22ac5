"""What the supervisor asks of a service, and the twin of one that is given by settings."""

from __future__ import annotations

import http.client
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from seawall.stack.children import NICENESS
from seawall.stack.ports import HOST

PRELOAD = Path(__file__).with_name("preload.py")
_TIMEOUT_S = 3.0
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR")


class NotReady(Exception):
    """The service does not answer yet; the message says what it did instead."""


class Service(Protocol):
    """A server of the stack. To add one, write a module with a class like this and name it in `plan`."""

    name: str
    kind: str
    address: str
    port: int | None
    user: str | None
    niceness: int
    """How far behind the load generator it stands for a processor."""
    stop_signal: signal.Signals
    death_signal: signal.Signals
    stop_within_s: float
    ready_within_s: float
    restarts: bool
    held: bool
    """Whether its process loads its program at once and runs it when it is released."""
    descriptors: tuple[int, ...]
    """Open files that the process inherits."""
    own_address: str
    """Where this process alone can be asked, if others share its address; else empty."""
    metrics_url: str
    """Where Prometheus finds what it counts; empty where it shows nothing."""

    def prepare(self) -> None:
        """Write whatever must be there before the start; may block; raises `StackError`."""
        ...

    def command(self) -> list[str]:
        """Return the program and its arguments; empty where the service is external."""
        ...

    def environment(self) -> dict[str, str]:
        """Return the whole environment of the process."""
        ...

    def answer(self) -> str:
        """Return the version, after the service answered a real request; raises `NotReady`."""
        ...


class OwnService:
    """What most servers have in common that the stack starts itself."""

    port: int | None = None
    user: str | None = None
    niceness = NICENESS
    stop_signal = signal.SIGTERM
    death_signal = signal.SIGKILL
    restarts = True
    held = False
    descriptors: tuple[int, ...] = ()
    own_address = ""
    metrics_url = ""


class External:
    """A server that the settings name: nothing to start or stop, but it has to answer."""

    port: int | None = None
    user: str | None = None
    niceness = NICENESS
    stop_signal = death_signal = signal.SIGTERM
    stop_within_s = ready_within_s = 0.0
    restarts = held = False
    descriptors: tuple[int, ...] = ()
    own_address = ""
    metrics_url = ""

    def __init__(self, name: str, kind: str, address: str, check: Callable[[], str]) -> None:
        self.name, self.kind, self.address = name, kind, address
        self._check = check

    def prepare(self) -> None:
        """Do nothing."""

    def command(self) -> list[str]:
        """Return nothing to run."""
        return []

    def environment(self) -> dict[str, str]:
        """Return nothing."""
        return {}

    def answer(self) -> str:
        """Return the server's version; raises `Unreachable`."""
        return self._check()


def without_password(url: str) -> str:
    """Return *url* as it may be shown."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}{parts.path}"


def status_of(port: int | None, path: str) -> int:
    """Return the status with which a server of ours on *port* answers a GET; raises `NotReady` where it does not."""
    connection = http.client.HTTPConnection(HOST, port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise NotReady(str(error)) from None
    finally:
        connection.close()
    return answer.status


def plain_environment(tmp: Path) -> dict[str, str]:
    """Return the little of our environment that a foreign server needs, with a temporary directory of its own."""
    kept = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return {"PATH": os.defpath, "LANG": "C.UTF-8", **kept, "TMPDIR": str(tmp)}


def held_program(module: str) -> list[str]:
    """Return the command line of a program of ours that is started with `held`: it runs once it is released."""
    return [sys.executable, "-P", str(PRELOAD), module]


def make_directories(*places: Path) -> None:
    """Create directories that only their owner can enter."""
    for place in places:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
