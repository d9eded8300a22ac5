"""Lifts two limits that would make a thousand users reconnect on every request."""

from __future__ import annotations

import resource
import select
from typing import Any

from gevent.monkey import get_original
from gevent.ssl import SSLSocket
from geventhttpclient.connectionpool import ConnectionPool

WANTED_FILES = 65_536


def raise_file_limit() -> int:
    """Raise this process's limit of open files as far as the system allows, and return it.

    Locust itself stops at 10,000, which leaves no room for 10,000 sockets and anything else.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED_FILES if hard == resource.RLIM_INFINITY else min(hard, WANTED_FILES)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    return soft


def keep_connections_above_1024_files() -> None:
    """Make geventhttpclient recognise live connections whatever their file number.

    Its own check calls ``select()``, which refuses file numbers from 1,024 on; such connections are then taken for
    dead and reopened on every request. The system's own ``poll()`` has no such limit and does not yield to the hub,
    which would add the loop's lag to the measured time.
    """
    ConnectionPool._is_socket_alive = _is_socket_alive  # type: ignore[method-assign] # noqa: SLF001 - the library offers no other way


def _is_socket_alive(self: ConnectionPool, sock: Any) -> bool:  # noqa: ARG001 - becomes a method
    return is_alive(sock)


def is_alive(sock: Any) -> bool:
    """Tell whether the peer of an idle keep-alive socket is still there; never waits, whatever the file number."""
    if sock is None or sock.fileno() < 0:
        return False
    poll = get_original("select", "poll")()
    # On TLS readable bytes may be a session ticket, so only a hang-up counts; on plain sockets they mean a broken
    # exchange whose rest would be taken for the next answer.
    hung_up_only = isinstance(sock, SSLSocket)
    poll.register(sock.fileno(), select.POLLRDHUP if hung_up_only else select.POLLRDHUP | select.POLLIN)
    return not poll.poll(0)
