"""Free ports."""

import socket

import pytest

from seawall.stack.errors import PortInUse
from seawall.stack.ports import HOST, demand, free_ports, is_free


def test_free_ports_are_free_and_differ() -> None:
    """No port is given twice, and on each a server can listen."""
    found = free_ports(20)
    assert len(set(found)) == 20
    assert all(is_free(port) for port in found)


def test_a_port_that_is_held_is_refused_by_name() -> None:
    """A fixed port that another program holds is an error that names the option."""
    with socket.create_server((HOST, 0)) as holder, pytest.raises(PortInUse, match="--api-port"):
        demand(holder.getsockname()[1], "--api-port")
