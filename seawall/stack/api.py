"""The API as a service of the stack: a process of its own, never imported."""

from __future__ import annotations

import http.client
import json
import os
import socket
from pathlib import Path
from urllib.parse import urlsplit

from dotenv import dotenv_values

from contract.connections import Connections
from seawall.stack.certificates import Certificate
from seawall.stack.children import API_NICENESS
from seawall.stack.errors import Unreachable
from seawall.stack.options import StackOptions
from seawall.stack.places import ROOT
from seawall.stack.ports import HOST
from seawall.stack.service import NotReady, OwnService, held_program, make_directories
from seawall.stack.trace_receiver import trace_variables
from seawall.stack.variables import variables_of

_TIMEOUT_S = 3.0


class Api(OwnService):
    """`python -m api`, or a control in its place: one of the processes that share the API's port.

    Its sockets belong to the supervisor, so what waits to be accepted when it dies is served by its successor. One is
    on the port that all processes share, the other on a port of its own, where it alone can be asked; there may be one
    for TLS, which they share as well. What it counts it shows on a port of its own again.
    """

    kind = "api"
    niceness = API_NICENESS
    stop_within_s = 10.0
    ready_within_s = 60.0
    held = True

    def __init__(
        self,
        name: str,
        connections: Connections,
        options: StackOptions,
        *,
        shared: socket.socket,
        own: socket.socket,
        secure: tuple[socket.socket, Certificate] | None = None,
        keys: Path,
        metrics_port: int,
        trace_url: str,
        directory: Path,
    ) -> None:
        self.name = name
        self.port: int | None = shared.getsockname()[1]
        self.address = f"http://{HOST}:{self.port}"
        self.own_address = f"http://{HOST}:{own.getsockname()[1]}"
        self._plain = (shared.fileno(), own.fileno())
        self._secure, self._keys = secure, keys
        self.descriptors: tuple[int, ...] = (*self._plain, *([secure[0].fileno()] if secure else []))
        self.metrics_url = f"http://{HOST}:{metrics_port}/metrics"
        self._metrics_port, self._trace_url = metrics_port, trace_url
        self._connections, self._options = connections, options
        self._directory = directory
        self._version = ""

    def prepare(self) -> None:
        """Create its directories."""
        make_directories(self._directory, self._directory / "tmp")

    def command(self) -> list[str]:
        """Return the command line."""
        return held_program(self._options.api_module)

    def environment(self) -> dict[str, str]:
        """Return our environment with the stack's connections in place of ours."""
        place = {
            "SEAWALL_API_SOCKETS": json.dumps(self._plain),
            "SEAWALL_API_KEYS_FILE": str(self._keys),
            "SEAWALL_API_WITHOUT_KEYS": "false",
            "SEAWALL_API_DOCS": "true",
            "SEAWALL_KAFKA_TRANSACTIONAL_ID": f"seawall-{self.name}",
            "SEAWALL_METRICS_HOST": HOST,
            "SEAWALL_METRICS_PORT": str(self._metrics_port),
        }
        if self._secure is not None:
            listener, certificate = self._secure
            place |= {
                "SEAWALL_API_TLS_SOCKETS": json.dumps([listener.fileno()]),
                "SEAWALL_API_TLS_CERTIFICATE": str(certificate.chain),
                "SEAWALL_API_TLS_KEY": str(certificate.key),
            }
        return {
            **python_environment(self._connections, self._directory / "tmp"),
            **self._options.settings.variables().get(self.kind, {}),
            **self._options.environment,
            **variables_of(self._directory.parent, self.kind),
            **trace_variables(self._options, self._trace_url),
            **place,
        }

    def answer(self) -> str:
        """Return the version once this process's `/readyz` says that every dependency is up; raises `NotReady`."""
        if not self._version:  # asked for first: its producer is waiting for an id meanwhile
            self._version = _version(self.own_address)
        status, text = _get(self.own_address, "/readyz")
        if status != http.HTTPStatus.OK:
            raise NotReady(f"/readyz answers {status}: {text[:200]}")
        return self._version


def check(url: str) -> str:
    """Return the version of the service at *url*, after one request; raises `Unreachable` with what to do.

    Somebody else's service need not have `/readyz`; that it speaks HTTP is enough.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Unreachable("SEAWALL_API_URL should look like http://host:port")
    try:
        status, text = _get(url, "/readyz")
    except NotReady as error:
        raise Unreachable(f"SEAWALL_API_URL: {url} does not answer ({error}); start it, or correct the URL") from None
    if status == http.HTTPStatus.SERVICE_UNAVAILABLE:
        raise Unreachable(f"SEAWALL_API_URL: {url} says that it is not ready: {text[:200]}")
    return _version(url)


def python_environment(connections: Connections, tmp: Path) -> dict[str, str]:
    """Return our environment for a Python process of ours, its connections replaced by the stack's.

    Settings of `.env` are handed over: the process runs in a directory of its own and would not find the file.
    """
    written = {name: value for name, value in dotenv_values(".env").items() if value and name.startswith("SEAWALL_")}
    known = {f"{prefix}{name.upper()}" for name in Connections.model_fields for prefix in ("SEAWALL_", "")}
    kept = {name: value for name, value in {**written, **os.environ}.items() if name.upper() not in known}
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return {**kept, **connections.environment(), "PYTHONPATH": path, "PYTHONUNBUFFERED": "1", "TMPDIR": str(tmp)}


def _version(url: str) -> str:
    try:
        status, text = _get(url, "/openapi.json")
        return str(json.loads(text)["info"]["version"]) if status == http.HTTPStatus.OK else ""
    except (NotReady, ValueError, KeyError, TypeError):
        return ""


def _get(url: str, path: str) -> tuple[int, str]:
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", parts.path.rstrip("/") + path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        raise NotReady(str(error)) from None
    finally:
        connection.close()
