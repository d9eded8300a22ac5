"""A load balancer in front of the API's processes: HAProxy, where it is installed.

It sends each request to one of the processes that say on `/readyz` that they are ready. While it runs, `Control` gives
a process more or less of the new requests, or none.
"""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Literal

from seawall.stack.errors import ServerFailed, Unreachable
from seawall.stack.ports import HOST
from seawall.stack.service import NotReady, OwnService, make_directories, plain_environment, status_of

_SYSTEM_PROGRAMS = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin")
_OLDEST = (2, 4)
_CONTROL = "control"
_TIMEOUT_S = 5.0
ALL_WEIGHT = 100
"""Of a server that gets its full share."""
DRAIN_DELAY_S = 4.0
"""So long an API process that goes has to say so before it closes its port: the balancer notices within two checks."""
State = Literal["ready", "drain"]


class Balancer(OwnService):
    """HAProxy; the processes' own ports lie behind its one."""

    name = kind = "balancer"
    stop_signal = signal.SIGUSR1
    """It lets requests under way end."""
    stop_within_s = 3.0
    ready_within_s = 30.0

    def __init__(self, servers: Mapping[str, int], *, port: int, directory: Path) -> None:
        """*servers* are the ports of the API's processes by their names; *port* is for clients."""
        self.port: int | None = port
        self.address = f"http://{HOST}:{port}"
        self._servers, self._directory = servers, directory

    def prepare(self) -> None:
        """Write the configuration; raises `ServerFailed` where there is no HAProxy."""
        program()
        make_directories(self._directory, self._directory / "tmp")
        (self._directory / "haproxy.cfg").write_text(self._configuration(), encoding="utf-8")

    def command(self) -> list[str]:
        """Return the server's command line."""
        return [program(), "-db", "-f", str(self._directory / "haproxy.cfg")]

    def environment(self) -> dict[str, str]:
        """Return a plain environment."""
        return plain_environment(self._directory / "tmp")

    def answer(self) -> str:
        """Return the version once a process answers behind it; raises `NotReady`."""
        status = status_of(self.port, "/readyz")
        if status != HTTPStatus.OK:
            raise NotReady(f"behind it /readyz answers {status}")
        return version(program())

    def _configuration(self) -> str:
        # as deploy/compose/haproxy.cfg, but that it looks more often, and takes turns: at small loads the shares that
        # `Control` gives would mean nothing where the process with the fewest connections is chosen
        lines = "\n".join(f"    server {name} {HOST}:{port}" for name, port in self._servers.items())
        # a socket's path may have no more than 107 bytes, so it is told from the stack's data, where the process begins
        control = f"{self._directory.name}/{_CONTROL}"
        return f"""\
global
    log stdout format raw local0 notice
    stats socket unix@{control} mode 600 level admin
    hard-stop-after 2s

defaults
    mode http
    log global
    option dontlog-normal
    option http-keep-alive
    timeout connect 2s
    timeout client 75s
    timeout client-fin 5s
    timeout http-request 20s
    timeout http-keep-alive 75s
    timeout queue 2s
    timeout server 30s
    timeout check 3s
    retries 2
    option redispatch 1
    retry-on conn-failure

frontend api
    bind {HOST}:{self.port} backlog 4096
    default_backend api

backend api
    balance roundrobin
    option httpchk
    http-check send meth GET uri /readyz ver HTTP/1.1 hdr Host seawall
    http-check expect status 200
    default-server check inter 500ms fall 2 rise 1 weight {ALL_WEIGHT}
{lines}
"""


class Control:
    """What the balancer of a running stack is told, and asked."""

    def __init__(self, data: Path) -> None:
        """*data* is the directory of the stack's data."""
        self._directory = data / "balancer"

    def set_state(self, server: str, state: State) -> None:
        """Give *server* no new requests (``drain``), or its share of them again; raises `Unreachable`."""
        self._tell(f"set server api/{server} state {state}")

    def set_weight(self, server: str, weight: int) -> None:
        """Give *server* so much, of `ALL_WEIGHT`, of what others get; raises `Unreachable`."""
        self._tell(f"set weight api/{server} {weight}")

    def servers(self) -> dict[str, dict[str, str]]:
        """Return all that is counted of each server, by HAProxy's names of its columns; raises `Unreachable`."""
        rows = csv.DictReader(io.StringIO(self._ask("show stat").removeprefix("# ")))
        return {row["svname"]: row for row in rows if row["pxname"] == "api" and row["svname"].isascii()}

    def up(self) -> set[str]:
        """Return the servers that say that they are ready, whether they are given requests or not."""
        return {
            name
            for name, row in self.servers().items()
            if name not in ("FRONTEND", "BACKEND") and row["check_status"] == "L7OK" and "DOWN" not in row["status"]
        }

    def _tell(self, command: str) -> None:
        said = self._ask(command).strip()
        if said:
            raise Unreachable(f"the balancer does not take {command!r}: {said}")

    def _ask(self, command: str) -> str:
        try:
            # by the directory's descriptor: the whole path may be too long for a socket
            place = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY)
            try:
                with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                    connection.settimeout(_TIMEOUT_S)
                    connection.connect(f"/proc/self/fd/{place}/{_CONTROL}")
                    connection.sendall(command.encode() + b"\n")
                    return b"".join(iter(lambda: connection.recv(65_536), b"")).decode()
            finally:
                os.close(place)
        except OSError as error:
            raise Unreachable(f"the balancer does not answer ({error}); see its log") from error


def program() -> str:
    """Return HAProxy's program; raises `ServerFailed` where there is none, or an old one."""
    found = shutil.which("haproxy", path=os.pathsep.join([os.environ.get("PATH", os.defpath), *_SYSTEM_PROGRAMS]))
    if found is None:
        raise ServerFailed("this needs HAProxy in front of the API, and it is not installed (apt-get install haproxy)")
    numbers = tuple(map(int, re.findall(r"\d+", version(found))[:2]))
    if numbers < _OLDEST:
        raise ServerFailed(f"this needs HAProxy {'.'.join(map(str, _OLDEST))} or later, and not {version(found)}")
    return found


def version(haproxy: str) -> str:
    """Return what *haproxy* says that it is, such as ``HAProxy 2.6.12``."""
    said = subprocess.run([haproxy, "-v"], capture_output=True, text=True, timeout=10, check=False).stdout
    number = re.search(r"version (\d+[0-9.]*)", said)
    return f"HAProxy {number[1] if number else '0'}"
