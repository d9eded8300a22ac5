"""The supervisor's list of what runs, kept on disk as the state file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from seawall.stack import places
from seawall.stack.children import Child
from seawall.stack.events import Request
from seawall.stack.plan import Plan
from seawall.stack.service import External, Service
from seawall.stack.state import SCHEMA_VERSION, ServiceState, StackState, remove_state, started_at, write_state


class Roster:
    """Services, their processes, and the state file that names them; each change reaches the file at once."""

    def __init__(self, request: Request) -> None:
        self.services: dict[str, Service] = {}
        self.children: dict[str, Child] = {}
        self.made: list[Path] = []
        self.logs = Path(request.logs_dir)
        self.data = places.home() / "data" / request.run
        options = request.options
        pid = os.getpid()
        self.state = StackState(
            schema_version=SCHEMA_VERSION,
            run=request.run,
            phase="starting",
            supervisor_pid=pid,
            supervisor_started=started_at(pid),
            started=started_at(pid),
            owner=request.owner,
            options=options,
            api_url="",
            environment={},
            brokers=0,
            partitions=options.partitions,
            sinks=0,
            api_processes=0,
            kafka=False,
            journal_dir=str(self.data / "journal"),
            logs_dir=request.logs_dir,
            data_dir=str(self.data),
        )

    def begin(self) -> None:
        """Write the first state."""
        with places.usable(places.home(), "make room there, or set SEAWALL_HOME to a directory that can be written"):
            write_state(self.state)

    def adopt(self, plan: Plan, sinks: int) -> None:
        """Note what *plan* decided."""
        self._change(
            api_url=plan.api_url,
            api_tls_url=plan.api_tls_url,
            api_key=plan.api_key,
            api_tls_authority=str(plan.certificate.authority) if plan.certificate else "",
            trace_url=plan.trace_url,
            environment=plan.connections.environment(),
            brokers=plan.embedded_brokers,
            kafka=bool(plan.brokers),
            sinks=sinks,
            api_processes=plan.api_processes,
            directories=[str(path) for path in self.made],
            mounts=[str(path) for path in plan.mounts],
        )

    def phase(self, phase: str) -> None:
        """Note the phase."""
        self._change(phase=phase)

    def enter(self, service: Service) -> None:
        """Note a service before it starts."""
        self.services[service.name] = service
        external = isinstance(service, External)
        log = "" if external else str(self.log_of(service.name))
        self._note(
            service.name,
            ServiceState(
                kind=service.kind,
                address=service.address,
                port=service.port,
                own_address=service.own_address,
                metrics_url=service.metrics_url,
                log=log,
                external=external,
            ),
        )

    async def start(self, service: Service) -> Child:
        """Start a process of the service, which nobody knows of yet."""
        return await Child.start(
            service.command(),
            environment=service.environment(),
            directory=self.data,
            log=self.log_of(service.name),
            niceness=service.niceness,
            user=service.user,
            death_signal=service.death_signal,
            descriptors=service.descriptors,
            held=service.held,
        )

    async def launch(self, service: Service, *, restarted: bool = False, standby: Child | None = None) -> Child:
        """Start the service's process, or take the *standby*, and note it."""
        child = standby or await self.start(service)
        self.children[service.name] = child
        known = self.state.services[service.name]
        self._note(
            service.name,
            msgspec.structs.replace(
                known,
                pid=child.pid,
                started=child.started,
                restarts=known.restarts + int(restarted),
                ready=known.ready or restarted,
            ),
        )
        return child

    def ready(self, name: str, version: str) -> None:
        """Note that the service answered."""
        self._note(name, msgspec.structs.replace(self.state.services[name], version=version, ready=True))

    def gone(self, name: str) -> None:
        """Note that the service ended and stays so."""
        self._note(name, msgspec.structs.replace(self.state.services[name], pid=None, started=None, ready=False))

    def log_of(self, name: str) -> Path:
        """Return the file that takes what the service prints."""
        return self.logs / f"{name}.log"

    def of_kinds(self, kinds: Sequence[str]) -> list[tuple[str, Child]]:
        """Return the processes of services of these kinds."""
        return [
            (name, child)
            for name, child in self.children.items()
            if (self.services[name].kind if name in self.services else name) in kinds
        ]

    def directories(self) -> list[Path]:
        """Return what has to be removed at the end."""
        return [self.data, *self.made]

    def forget(self) -> None:
        """Remove the state file."""
        remove_state()

    def _note(self, name: str, service: ServiceState) -> None:
        self._change(services={**self.state.services, name: service})

    def _change(self, **fields: object) -> None:
        self.state = msgspec.structs.replace(self.state, **fields)
        write_state(self.state)
