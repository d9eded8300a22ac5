"""How many users this machine lets connect: each holds an open file at both ends, and a local port."""

from __future__ import annotations

import resource
from pathlib import Path
from typing import NamedTuple

MANY_USERS = 10_000
"""What a machine should be able to connect; fewer is worth a note."""
_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_OTHER_FILES = 500
"""What a process that serves or loads has open beside its connections, with room to spare."""
_OTHER_PORTS = 1_000
"""What else takes local ports: the servers' own connections, and those that are still closing."""


class Limits(NamedTuple):
    """What the system allows; None where it sets no limit, or none that can be read."""

    files: int | None
    """Open files of one process: the hard limit, up to which every process of ours raises its own."""
    ports: tuple[int, int] | None
    """The first and the last local port of outgoing connections; one address can be reached once from each."""

    @classmethod
    def read(cls) -> Limits:
        """Return the limits of this process, which its children inherit, and of this machine."""
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        try:
            first, last = map(int, _RANGE.read_text(encoding="ascii").split())
        except (OSError, ValueError):
            return cls(None if hard == resource.RLIM_INFINITY else hard, None)
        return cls(None if hard == resource.RLIM_INFINITY else hard, (first, last))

    def obstacles(self, users: int) -> list[str]:
        """Return what keeps *users* from being connected at once, and what to do about it; nothing if they can be."""
        found = []
        if self.files is not None and self.files < (needed := users + _OTHER_FILES):
            found.append(
                f"{users:,} users need some {needed:,} open files a process and the hard limit is {self.files:,}: raise"
                f" it with `ulimit -n {needed}` as root, or use at most {max(self.files - _OTHER_FILES, 0):,} users"
            )
        if self.ports is not None:
            first, last = self.ports
            room = max(last - first + 1 - _OTHER_PORTS, 0)
            if room < users:
                found.append(
                    f"{users:,} users need as many local ports and net.ipv4.ip_local_port_range goes from {first} to"
                    f" {last}: widen it with `sysctl -w net.ipv4.ip_local_port_range='15000 65535'` as root, or use"
                    f" at most {room:,} users"
                )
        return found
