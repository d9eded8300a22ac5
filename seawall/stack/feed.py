"""A feed as a service of the stack: a process of its own, never imported."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from pathlib import Path

from contract.connections import Connections
from seawall.stack.api import python_environment
from seawall.stack.api_keys import file_in
from seawall.stack.options import StackOptions
from seawall.stack.ports import HOST, listening
from seawall.stack.service import NotReady, OwnService, held_program, make_directories, status_of
from seawall.stack.variables import variables_of

_MODULE = "workers.feed"


class FeedService(OwnService):
    """`python -m workers.feed`: hands records to subscribers, from the log or, to compare with, from the database.

    Its socket belongs to the supervisor, so who comes while it is started anew waits for it.
    """

    kind = "feed"
    stop_within_s = 10.0
    ready_within_s = 60.0
    held = True

    def __init__(
        self,
        source: str,
        connections: Connections,
        options: StackOptions,
        *,
        listener: socket.socket,
        keys: Path,
        metrics_port: int,
        directory: Path,
    ) -> None:
        """*source* is ``log`` or ``database``."""
        self.name = name_of(source)
        self.listener = listener
        self.port: int | None = listener.getsockname()[1]
        self.address = f"http://{HOST}:{self.port}"
        self.metrics_url = f"http://{HOST}:{metrics_port}/metrics"
        self.descriptors = (listener.fileno(),)
        self._source, self._connections, self._options = source, connections, options
        self._keys, self._metrics_port, self._directory = keys, metrics_port, directory

    def prepare(self) -> None:
        """Create its directories."""
        make_directories(self._directory, self._directory / "tmp")

    def command(self) -> list[str]:
        """Return the command line."""
        return held_program(_MODULE)

    def environment(self) -> dict[str, str]:
        """Return our environment with the stack's connections, and what this process is."""
        place = {
            "SEAWALL_FEED_NAME": self.name,
            "SEAWALL_FEED_SOURCE": self._source,
            "SEAWALL_FEED_SOCKETS": json.dumps(self.descriptors),
            "SEAWALL_API_KEYS_FILE": str(self._keys),
            "SEAWALL_API_WITHOUT_KEYS": "false",
            "SEAWALL_FEED_METRICS_HOST": HOST,
            "SEAWALL_FEED_METRICS_PORT": str(self._metrics_port),
        }
        return {
            **python_environment(self._connections, self._directory / "tmp"),
            **self._options.environment,
            **variables_of(self._directory.parent, self.kind),
            **place,
        }

    def answer(self) -> str:
        """Return nothing, once it can be subscribed to; raises `NotReady`."""
        status = status_of(self.port, "/readyz")
        if status != http.HTTPStatus.OK:
            raise NotReady(f"/readyz answers {status}")
        return ""


def name_of(source: str) -> str:
    """Return the name of the service whose records come from there."""
    return f"feed-{source}"


def feeds_of(
    options: StackOptions, connections: Connections, ports: Iterator[int], data: Path, sockets: list[socket.socket]
) -> list[FeedService]:
    """Return the feeds that *options* ask for, each with two of *ports*, and add those they listen on to *sockets*."""
    found = [
        FeedService(
            source,
            connections,
            options,
            listener=listening(next(ports)),
            keys=file_in(data),
            metrics_port=next(ports),
            directory=data / name_of(source),
        )
        for source in options.feeds
    ]
    sockets += [one.listener for one in found]
    return found
