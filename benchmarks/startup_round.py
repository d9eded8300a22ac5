"""One start of a stack by the command line, or of one server alone, with the time of each."""

from __future__ import annotations

import asyncio
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import msgspec

from benchmarks.errors import ProcessFailed
from contract.connections import Connections
from seawall.stack import places
from seawall.stack.children import Child, last_lines
from seawall.stack.class_archive import ClassArchive
from seawall.stack.jars import JarCache
from seawall.stack.java import Java
from seawall.stack.kafka import KafkaNode, Quorum
from seawall.stack.ports import free_ports
from seawall.stack.postgres import Postgres
from seawall.stack.service import NotReady, Service
from seawall.stack.stack import Stack

_COMMAND = places.ROOT / "bin" / "seawall"
_LOOK_EVERY_S = 0.01
_SERVERS_OF_OTHERS = {f"{prefix}{name.upper()}" for name in Connections.model_fields for prefix in ("SEAWALL_", "")}


class StackStart(msgspec.Struct, frozen=True, kw_only=True):
    """How long `bin/seawall up` and `down` took, and what happened when; seconds since the command was typed."""

    up_s: float
    down_s: float
    events: dict[str, float]
    """By kind and service, as ``ready kafka-1``."""
    cpu_s: dict[str, float]
    """Processor time of each service until the stack was up."""


@contextmanager
def own_home() -> Iterator[Path]:
    """Give a home directory of its own, and leave no stack running in it."""
    places.make_home()
    with tempfile.TemporaryDirectory(dir=places.home(), prefix="bench-startup-") as directory:
        before = os.environ.get("SEAWALL_HOME")
        os.environ["SEAWALL_HOME"] = directory
        try:
            yield Path(directory)
        finally:
            try:
                _seawall("down", new_session=True)
            finally:
                os.environ.pop("SEAWALL_HOME")
                if before is not None:
                    os.environ["SEAWALL_HOME"] = before


def start_stack(*options: str) -> StackStart:
    """Start a stack with `bin/seawall up` as a user would, and stop it; raises `ProcessFailed`."""
    typed, clock = time.time(), time.monotonic()
    _seawall("up", *options)
    up_s = time.monotonic() - clock
    stack = Stack.attach()
    if stack is None:
        raise ProcessFailed("the stack ended right after its start; see its logs in .seawall")
    use = stack.resources()
    log = Path(stack.state.logs_dir) / "supervisor.log"
    events = dict(_events(log.read_text(encoding="utf-8"), typed))
    clock = time.monotonic()
    _seawall("down")
    return StackStart(
        up_s=up_s,
        down_s=time.monotonic() - clock,
        events=events,
        cpu_s={name: used.cpu_s for name, used in use.items()},
    )


def start_broker(java: Java, *, archived: bool) -> float:
    """Return how long one broker alone takes from its format to its metadata, as the stack starts it."""
    with tempfile.TemporaryDirectory(dir=places.home(), prefix="broker-") as directory:
        place, jars = Path(directory), JarCache()
        began = time.monotonic()
        archive = ClassArchive(java, jars) if archived else None
        if archive is not None:
            archive.prepare()
        broker, controller = free_ports(2)
        node = KafkaNode(
            1,
            Quorum([(broker, controller)]),
            java=java,
            jars=jars,
            directory=place / "kafka",
            log=place / "log",
            archive=archive,
        )
        return asyncio.run(_alone(node, place)) - began


def start_postgres() -> float:
    """Return how long PostgreSQL alone takes, from `initdb` to its first answer."""
    with tempfile.TemporaryDirectory(dir=places.home(), prefix="postgres-") as directory:
        place = Path(directory)
        user = places.unprivileged_user()
        data = places.make_private(user, "bench") if user else place / "postgres"
        try:
            began = time.monotonic()
            (port,) = free_ports(1)
            server = Postgres(directory=data, log=place / "log", port=port, user=user)
            return asyncio.run(_alone(server, place)) - began
        finally:
            subprocess.run(["rm", "-rf", data], check=False)


async def _alone(service: Service, place: Path) -> float:
    """Start *service* and stop it; return when it answered (monotonic seconds)."""
    service.prepare()
    child = await Child.start(
        service.command(),
        environment=service.environment(),
        directory=place,
        log=place / "log",
        user=service.user,
        death_signal=service.death_signal,
    )
    try:
        deadline = time.monotonic() + service.ready_within_s
        while True:
            try:
                await asyncio.to_thread(service.answer)
            except NotReady:
                if child.exit_code is not None or time.monotonic() > deadline:
                    raise ProcessFailed(f"{service.name} does not start:\n{last_lines(place / 'log')}") from None
                await asyncio.sleep(_LOOK_EVERY_S)
            else:
                return time.monotonic()
    finally:
        await child.stop(service.stop_signal, service.stop_within_s)


def _events(log: str, typed: float) -> Iterator[tuple[str, float]]:
    for line in log.splitlines():
        stamp, _, text = line.partition(" ")
        kind, _, rest = text.partition(" ")
        if kind in ("starting", "ready", "step", "up"):
            name = f"{kind} {rest.partition(' ')[0]}".strip()
            yield name, datetime.fromisoformat(stamp).timestamp() - typed


def _seawall(*words: str, new_session: bool = False) -> None:
    """Run the command line in a directory and an environment that name no server of somebody else's."""
    environment = {name: value for name, value in os.environ.items() if name.upper() not in _SERVERS_OF_OTHERS}
    with subprocess.Popen(
        [str(_COMMAND), *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=os.environ["SEAWALL_HOME"],
        env=environment,
        start_new_session=new_session,
    ) as process:
        said, _ = process.communicate()
    if process.returncode:
        raise ProcessFailed(f"bin/seawall {' '.join(words)} ended with code {process.returncode}:\n{said}")
