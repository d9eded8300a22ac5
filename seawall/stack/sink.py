"""A sink as a service of the stack: a process of its own, never imported."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from contract.connections import Connections
from seawall.stack.api import python_environment
from seawall.stack.options import REAL_SINK, StackOptions
from seawall.stack.ports import HOST
from seawall.stack.service import NotReady, OwnService, held_program, make_directories
from seawall.stack.sink_group import SinkGroup
from seawall.stack.trace_receiver import trace_variables
from seawall.stack.variables import variables_of


class Sink(OwnService):
    """`python -m workers.sink`, or a control in its place: one of the group that moves records from log to table."""

    kind = "sink"
    stop_within_s = 15.0
    ready_within_s = 60.0
    held = True

    def __init__(
        self,
        number: int,
        options: StackOptions,
        connections: Connections,
        group: SinkGroup,
        *,
        metrics_url: str,
        trace_url: str,
        directory: Path,
        journal: Path,
    ) -> None:
        self.name = f"sink-{number}"
        self.address = ""
        self._options, self._connections, self._group = options, connections, group
        self._directory, self._journal = directory, journal
        self.metrics_url, self._trace_url = metrics_url, trace_url

    def prepare(self) -> None:
        """Create its directories and that of the journal."""
        make_directories(self._directory, self._directory / "tmp", self._journal)

    def command(self) -> list[str]:
        """Return the command line."""
        return held_program(self._options.sink_module)

    def environment(self) -> dict[str, str]:
        """Return our environment with the stack's connections, its name, and where its journal and its metrics are."""
        place = {
            "SEAWALL_SINK_NAME": self.name,
            "SEAWALL_JOURNAL_DIR": str(self._journal),
            "SEAWALL_SINK_METRICS_HOST": HOST,
            "SEAWALL_SINK_METRICS_PORT": str(urlsplit(self.metrics_url).port),
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
        """Return once all sinks read, and every partition has one; raises `NotReady`."""
        if not self._group.is_whole(self._options.sinks):
            raise NotReady("the group is not complete yet")
        return "" if self._options.sink_module == REAL_SINK else "(control)"
