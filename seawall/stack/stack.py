"""A running stack, as the rest of the instrument sees it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from seawall.stack import places
from seawall.stack.errors import NotRunning, OtherStackRunning, ServerFailed, StackError, UnknownService
from seawall.stack.events import DETACH, Event, Request
from seawall.stack.holds import held_down
from seawall.stack.leftovers import clean_up
from seawall.stack.options import StackOptions
from seawall.stack.state import StackState, is_alive, last_state, read_state
from seawall.stack.usage import ResourceUse, usage

if TYPE_CHECKING:
    from contract.connections import Connections
    from seawall.stack.adjustments import Adjustments
    from seawall.stack.log_files import PartitionFiles
    from seawall.stack.lookup_samples import LookupSamples
    from seawall.stack.reset import Reset
    from seawall.stack.samples import Samples

OnEvent = Callable[[Event], None]

OWNER_UP = "up"
"""The owner of a stack that keeps running when the process that started it ends."""

_STOPPED_WITHIN_S = 60.0


def ignore(_event: Event) -> None:
    """Take no notice of an event."""


class Stack:
    """PostgreSQL, Valkey, Kafka, API and sinks: started by `up`, or found by `attach`."""

    def __init__(self, state: StackState, supervisor: subprocess.Popen[bytes] | None = None) -> None:
        self._state = state
        self._supervisor = supervisor

    @classmethod
    def up(cls, options: StackOptions, on_event: OnEvent = ignore, *, owner: str) -> Stack:
        """Start a stack and return once every service answered a real request.

        One of the *owner* ``up`` runs until `down`; any other ends with this process, however that ends. Raises
        `OtherStackRunning` where one runs already, and another `StackError` where something does not start; then
        nothing is left running.
        """
        options = options.checked()
        home = places.make_home()
        with _one_at_a_time():
            _clear_the_way()
            run = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(2)}"
            logs = places.make_logs(run)
            request = Request(options=options, owner=owner, run=run, logs_dir=str(logs))
            process = _spawn(str(logs / "supervisor.log"))
            try:
                _follow(process, request, on_event)
            except BaseException:
                _release(process)
                raise
            state = read_state()
            if state is None:
                _release(process)
                raise ServerFailed(f"the stack ended right after its start; see {logs}, and the space in {home}")
            if owner == OWNER_UP:
                assert process.stdin is not None
                process.stdin.write(DETACH)
                process.stdin.flush()
                _close_pipes(process)
                return cls(state)
        return cls(state, process)

    @classmethod
    def attach(cls) -> Stack | None:
        """Return the stack that is up; None if there is none."""
        state = read_state()
        return None if state is None else cls(state)

    @property
    def state(self) -> StackState:
        """What the state file says now; what it said last once the stack is gone."""
        self._state = read_state() or self._state
        return self._state

    @cached_property
    def connections(self) -> Connections:
        """Addresses and credentials of the servers."""
        from seawall.stack.given import connections_of  # noqa: PLC0415 - pydantic is slow to load, `status` needs none

        return connections_of(self._state.environment)

    @property
    def api_headers(self) -> dict[str, str]:
        """Headers with which the API lets a request in."""
        key = self._state.api_key
        return {"Authorization": f"Bearer {key}"} if key else {}

    def down(self) -> None:
        """Stop all servers in order and remove their data; does nothing if they are gone already."""
        self.close()
        if self._supervisor is not None:
            _release(self._supervisor)
        state = self._state
        if is_alive(state.supervisor_pid, state.supervisor_started):
            with contextlib.suppress(ProcessLookupError):
                os.kill(state.supervisor_pid, signal.SIGTERM)
        deadline = time.monotonic() + _STOPPED_WITHIN_S
        while is_alive(state.supervisor_pid, state.supervisor_started):
            if time.monotonic() > deadline:
                os.kill(state.supervisor_pid, signal.SIGKILL)
                deadline = time.monotonic() + _STOPPED_WITHIN_S
            time.sleep(0.02)
        left = last_state()
        if left is not None and left.run == state.run:
            clean_up(left)

    def fresh(self) -> None:
        """Bring tables, topics and cache to the state of a new stack: base rows, no records, nothing cached.

        The topics stay, so that consumers keep their partitions. External servers are treated the same, except that
        of a cache only our own keys are removed.
        """
        self._reset.fresh()

    def forget_cached(self) -> None:
        """Empty all caches, and leave tables and topics as they are; raises `Unreachable`."""
        self._reset.forget_cached()

    def row_counts(self, since_ms: int | None = None) -> dict[str, int]:
        """Return the rows of runs (not base rows) per entity; of those that began at *since_ms*, wall clock, or later.

        A full table takes seconds to count, the rows of its last run do not.
        """
        return self._reset.row_counts(since_ms)

    def lag(self) -> int:
        """Return how many records the sinks have not committed yet, over all record topics; 0 without Kafka."""
        return self._reset.lag()

    def lags(self) -> dict[tuple[str, int], int]:
        """Return the same for each topic and partition."""
        return self._reset.lags()

    def log_ends(self) -> dict[tuple[str, int], int]:
        """Return the offset behind the last record of each topic and partition of records; none without Kafka."""
        return self._reset.log_ends()

    def log_files(self, firsts: Mapping[tuple[str, int], int]) -> dict[str, dict[tuple[str, int], PartitionFiles]]:
        """Return, by broker of ours, what it has on its disk of each partition from the offset on that *firsts* names.

        Empty where the brokers are not ours.
        """
        from seawall.stack.log_files import files_of  # noqa: PLC0415 - few need it

        data = Path(self.state.data_dir)
        return {
            name: files_of(data / name / "data", firsts)
            for name, service in self.state.services.items()
            if service.kind == "kafka" and not service.external
        }

    @property
    def transactional(self) -> bool:
        """Whether the API writes in transactions now, whose ends take offsets of the log."""
        from seawall.stack.variables import transactional  # noqa: PLC0415 - as above

        return transactional(self._state)

    def sinks_at_work(self) -> set[str] | None:
        """Return the sinks in the group by name; None while partitions move, or one of them has no sink."""
        return self._reset.sinks_at_work()

    def missing(self, away: Collection[str] = ()) -> str:
        """Return in words what keeps the stack from working as a whole; empty where nothing does.

        Services that are *away* are not waited for.
        Raises `Unreachable` where not even that can be asked.
        """
        state = self.state
        for name, service in state.services.items():
            gone = service.pid is None or not is_alive(service.pid, service.started or 0.0)
            if not service.external and gone and name not in away:
                return f"{name} does not run"
        from seawall.stack.api import check  # noqa: PLC0415 - few need it, and it takes a while to load

        check(state.api_url)
        return self._reset.missing(state.sinks - sum(state.services[name].kind == "sink" for name in away))

    def resources(self, *, thorough: bool = False) -> dict[str, ResourceUse]:
        """Return what each service of ours has used so far; external ones are left out.

        Context switches and open files are among it on a *thorough* look only.
        """
        return usage(self.state, thorough=thorough)

    def lookups(self) -> LookupSamples | None:
        """Return what the lookups of all API processes of ours have counted; None where none of them shows it.

        Raises `Unreachable`.
        """
        from seawall.stack.lookup_samples import read_lookups  # noqa: PLC0415 - few need it, and it takes a while to load

        return read_lookups(
            service.metrics_url
            for service in self.state.services.values()
            if service.kind == "api" and service.metrics_url
        )

    def log_samples(self) -> Samples | None:
        """Return what producers and sinks of ours have counted; None where one kind of them shows nothing.

        Raises `Unreachable`.
        """
        from seawall.stack.log_samples import read_log_samples  # noqa: PLC0415 - as above

        return read_log_samples(self.state)

    @property
    def versions(self) -> dict[str, str]:
        """The servers' versions, by service, as far as they tell."""
        return {name: service.version for name, service in self.state.services.items() if service.version}

    def settings(self) -> dict[str, Any]:
        """Return the settings that decide on durability and speed, read back from the servers."""
        from seawall.stack.effective import effective_settings  # noqa: PLC0415 - needs every client library

        return effective_settings(self.connections, self.state)

    def adjustments(self) -> Adjustments:
        """Return what changes settings of the running servers; as a context manager it sets them back at its end."""
        from seawall.stack.adjustments import Adjustments  # noqa: PLC0415 - needs every client library

        return Adjustments(self.connections, self.state)

    def signal(self, service: str, signal_number: int) -> None:
        """Send a signal to the service's process; raises `UnknownService`, or `NotRunning` where it has none."""
        services = self.state.services
        if service not in services:
            raise UnknownService(f"no service is called {service!r}; there are {', '.join(services)}")
        found = services[service]
        if found.pid is None or found.started is None or not is_alive(found.pid, found.started):
            raise NotRunning(f"{service} has no process of this stack")
        os.kill(found.pid, signal_number)

    def held_down(self, service: str) -> AbstractContextManager[None]:
        """Have a service that ends stay down until the block ends, as if its machine were; raises `UnknownService`."""
        if service not in self.state.services:
            raise UnknownService(f"no service is called {service!r}; there are {', '.join(self.state.services)}")
        return held_down(Path(self.state.data_dir), service)

    def close(self) -> None:
        """Close the clients that were opened; the servers keep running."""
        if "_reset" in self.__dict__:
            self.__dict__.pop("_reset").close()

    @cached_property
    def _reset(self) -> Reset:
        from seawall.stack.reset import Reset  # noqa: PLC0415 - needs every client library

        return Reset(self.connections, self._state)


def stop_whatever_runs() -> bool:
    """Stop the stack of our home directory in whatever phase it is, or clean up after a dead one; tell whether any was.

    A start that waits for its turn is not stopped by this.
    """
    state = last_state()
    if state is None:
        return False
    Stack(state).down()
    return True


@contextlib.contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Let two starts wait for each other."""
    lock = places.home() / "start.lock"
    with places.usable(lock, "set SEAWALL_HOME to a directory of your own"), lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _clear_the_way() -> None:
    state = last_state()
    if state is None:
        return
    if not is_alive(state.supervisor_pid, state.supervisor_started):
        clean_up(state)
        return
    deadline = time.monotonic() + _STOPPED_WITHIN_S
    while state.phase == "stopping" and time.monotonic() < deadline:
        time.sleep(0.05)
        if not is_alive(state.supervisor_pid, state.supervisor_started):
            return
    raise OtherStackRunning(
        f"a stack runs already (run {state.run}, started by `{state.owner}`); use it, or stop it: `bin/seawall down`"
    )


def _spawn(log: str) -> subprocess.Popen[bytes]:
    path = os.pathsep.join(filter(None, (str(places.ROOT), os.environ.get("PYTHONPATH"))))
    with open(log, "ab") as output:  # noqa: PTH123 - a name is all there is
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "seawall.stack.supervisor"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
            env={**os.environ, "PYTHONPATH": path},
            start_new_session=True,
        )


def _follow(process: subprocess.Popen[bytes], request: Request, on_event: OnEvent) -> None:
    """Hand over the request and follow the events until the stack is up; raises what the supervisor reports."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(msgspec.json.encode(request) + b"\n")
    process.stdin.flush()
    on_event(Event("step", "supervisor"))
    for line in process.stdout:
        event = msgspec.json.decode(line, type=Event)
        if event.kind == "failed":
            raise StackError(event.text)
        on_event(event)
        if event.kind == "up":
            return
    raise ServerFailed(f"the supervisor ended without a word; see {request.logs_dir}/supervisor.log")


def _release(process: subprocess.Popen[bytes]) -> None:
    """Let go of the supervisor, upon which it stops everything, and wait for its end."""
    _close_pipes(process)
    try:
        process.wait(_STOPPED_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _close_pipes(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
