"""Which addresses only this machine can reach: there, and nowhere else, services may go without keys and logins."""

from __future__ import annotations

import ipaddress


def is_loopback(host: str) -> bool:
    """Tell whether *host*, a name or an address, means this machine and nobody else's way to it."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
