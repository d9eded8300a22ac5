"""What shows Prometheus the stack's servers: a process of its own (`seawall.observe.exporter`), never imported."""

from __future__ import annotations

from pathlib import Path

from contract.connections import Connections
from seawall.stack.api import python_environment
from seawall.stack.places import home
from seawall.stack.ports import HOST
from seawall.stack.service import OwnService, held_program, make_directories, status_of

_MODULE = "seawall.observe.exporter"
_LAST = 19


class Exporter(OwnService):
    """Statistics of PostgreSQL, Valkey and the log, each process's use of the machine, and the last runs' figures."""

    name = kind = "exporter"
    niceness = _LAST
    stop_within_s = 5.0
    ready_within_s = 60.0
    held = True

    def __init__(self, connections: Connections, results: Path, *, port: int, directory: Path) -> None:
        """*results* is the directory in which runs leave their results."""
        self.port: int | None = port
        self.address = f"http://{HOST}:{port}"
        self.metrics_url = f"{self.address}/metrics"
        self._connections, self._results, self._directory = connections, results, directory

    def prepare(self) -> None:
        """Create its directories."""
        make_directories(self._directory, self._directory / "tmp")

    def command(self) -> list[str]:
        """Return the command line."""
        return held_program(_MODULE)

    def environment(self) -> dict[str, str]:
        """Return our environment with the stack's connections, the port, and where the stack and the results are."""
        place = {
            "SEAWALL_EXPORTER_PORT": str(self.port),
            "SEAWALL_EXPORTER_RESULTS": str(self._results),
            "SEAWALL_HOME": str(home()),
        }
        return {**python_environment(self._connections, self._directory / "tmp"), **place}

    def answer(self) -> str:
        """Return nothing, once it answers; raises `NotReady`."""
        status_of(self.port, "/")  # points at /metrics, whose first answer may take long
        return ""
