"""A late link to the database as a service of the stack: it models a database that is far away."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import msgspec

from seawall.stack import postgres
from seawall.stack.children import NICENESS
from seawall.stack.errors import Unreachable
from seawall.stack.link_process import VARIABLE, Link
from seawall.stack.places import ROOT
from seawall.stack.ports import HOST
from seawall.stack.service import NotReady, held_program, make_directories, plain_environment

_DEFAULT_PORT = 5432


class DatabaseLink:
    """Between API, sinks and database; the instrument's own questions do not take it."""

    name = "database-link"
    kind = "link"
    niceness = NICENESS
    user: str | None = None
    stop_signal = signal.SIGTERM
    death_signal = signal.SIGKILL
    stop_within_s = 5.0
    ready_within_s = 30.0
    restarts = held = True
    metrics_url = ""

    def __init__(self, database_url: str, delay_ms: float, *, listener: socket.socket, directory: Path) -> None:
        self.port: int | None = listener.getsockname()[1]
        self.address = f"{HOST}:{self.port}, {delay_ms:g} ms late"
        self.descriptors: tuple[int, ...] = (listener.fileno(),)
        self._parts = urlsplit(database_url)
        self._delay_ms = delay_ms
        self._directory = directory

    @property
    def url(self) -> str:
        """The database's address by way of this link."""
        return _with_place(self._parts, f"{HOST}:{self.port}")

    def prepare(self) -> None:
        """Create its directories."""
        make_directories(self._directory, self._directory / "tmp")

    def command(self) -> list[str]:
        """Return the command line."""
        return held_program("seawall.stack.link_process")

    def environment(self) -> dict[str, str]:
        """Return a plain environment that says between whom and how late."""
        link = Link(
            descriptor=self.descriptors[0],
            host=self._parts.hostname or HOST,
            port=self._parts.port or _DEFAULT_PORT,
            delay_s=self._delay_ms / 1000,
        )
        path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
        own = {VARIABLE: msgspec.json.encode(link).decode(), "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}
        return {**plain_environment(self._directory / "tmp"), **own}

    def answer(self) -> str:
        """Ask the database by way of this link; raises `NotReady`."""
        try:
            postgres.check(self.url)
        except Unreachable as error:
            raise NotReady(str(error)) from None
        return ""


def _with_place(parts: SplitResult, place: str) -> str:
    user, at, _ = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{user}{at}{place}").geturl()
