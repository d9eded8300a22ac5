"""Free ports on the loopback address."""

from __future__ import annotations

import random
import socket
from pathlib import Path

from seawall.stack.errors import PortInUse

HOST = "127.0.0.1"
_LOWEST = 15_000
_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def is_free(port: int) -> bool:
    """Tell whether a server could listen on *port* now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As the servers do it: connections of an earlier run that are still closing are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def demand(port: int, setting: str) -> int:
    """Return *port*; raises `PortInUse` where it cannot be had."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except PermissionError:
            raise PortInUse(f"port {port} is for privileged users only; choose another with {setting}") from None
        except OSError:
            raise PortInUse(f"port {port} is in use by another program; choose another with {setting}") from None
    return port


def listening(port: int, *, one_of_several: bool = False) -> socket.socket:
    """Return a socket that listens on *port*; raises `PortInUse` where another took it just now.

    Among *one_of_several* on the same port the system shares out connections evenly.
    """
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if one_of_several:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        found.bind((HOST, port))
        found.listen()
    except OSError:
        found.close()
        raise PortInUse(f"port {port} was taken by another program just now; try again") from None
    return found


def free_ports(count: int) -> list[int]:
    """Return *count* ports on which nobody listens.

    They lie below the range from which the system takes ports for outgoing connections where there is room: a load
    test opens thousands of those, and one could take a server's port between this call and the server's start.
    """
    low = _first_ephemeral()
    if low - _LOWEST < 100 * count:
        return _any_free(count)
    found: list[int] = []
    for port in random.Random().sample(range(_LOWEST, low), k=min(200 * count, low - _LOWEST)):
        if is_free(port):
            found.append(port)
        if len(found) == count:
            return found
    return _any_free(count)


def _first_ephemeral() -> int:
    try:
        return int(_RANGE.read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return 0


def _any_free(count: int) -> list[int]:
    held = []
    try:
        for _ in range(count):
            probe = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            held.append(probe)
            probe.bind((HOST, 0))
        return [probe.getsockname()[1] for probe in held]
    finally:
        for probe in held:
            probe.close()
