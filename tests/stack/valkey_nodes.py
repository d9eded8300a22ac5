"""A Valkey cluster without anything around it, for tests of what speaks to one."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from contract.connections import Connections
from seawall.stack.faults.fault import wait_until
from seawall.stack.options import StackOptions
from seawall.stack.ports import free_ports
from seawall.stack.service import NotReady
from seawall.stack.state import ServiceState
from seawall.stack.valkey_cluster import ValkeyNode, caches_of, form, is_whole


@dataclass
class Nodes:
    """Three nodes, which can die and come back."""

    url: str
    nodes: list[ValkeyNode]
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def services(self) -> dict[str, ServiceState]:
        """Return the nodes as a stack's state names them."""
        return {one.name: ServiceState(kind=one.kind, address=one.address, port=one.port) for one in self.nodes}

    def start(self, *names: str) -> None:
        """Start nodes, and wait until they answer."""
        for node in self.nodes:
            if node.name in names:
                self.processes[node.name] = subprocess.Popen(
                    node.command(), env=node.environment(), stdout=subprocess.DEVNULL
                )
        for node in self.nodes:
            if node.name in names:
                assert wait_until(partial(_answers, node), 20)

    def kill(self, *names: str) -> None:
        """Have nodes die at once."""
        for name in names:
            self.processes[name].kill()
            self.processes[name].wait()

    def mend(self) -> None:
        """Start those that have died, and wait until all know of each other."""
        self.start(*(name for name, process in self.processes.items() if process.poll() is not None))
        assert wait_until(lambda: is_whole(self.url), 30)


@contextmanager
def cluster(directory: Path) -> Iterator[Nodes]:
    """Give a cluster of three nodes, of which nothing is left afterwards."""
    options = StackOptions(cache_nodes=3)
    services, connections = caches_of(Connections(), options, iter(free_ports(6)), directory, embed=True)
    found = Nodes(connections.redis_url, [one for one in services if isinstance(one, ValkeyNode)])
    try:
        for node in found.nodes:
            node.prepare()
        found.start(*(node.name for node in found.nodes))
        form(found.nodes)
        yield found
    finally:
        for process in found.processes.values():
            process.kill()
            process.wait()


def _answers(node: ValkeyNode) -> bool:
    try:
        return bool(node.answer())
    except NotReady:
        return False
