"""Processes that die, stand still, or are told to end."""

from __future__ import annotations

import contextlib
import re
import signal
from collections.abc import Callable
from pathlib import Path

import psutil

from seawall.stack.faults.fault import Field, NoEffect, wait_until
from seawall.stack.state import ServiceState, StackState, is_alive

_ENDS_WITHIN_S, _STARTS_WITHIN_S, _IS_BACK_WITHIN_S, _STOPS_WITHIN_S = 25.0, 5.0, 30.0, 2.0
_LEADER = re.compile(r"\[RaftManager id=(\d+)\] Completed transition to Leader\(.*?epoch=(\d+)")
_SIGNALS = {"api": signal.SIGTERM, "sink": signal.SIGTERM, "kafka": signal.SIGTERM, "valkey": signal.SIGTERM,
            "postgres": signal.SIGINT, "mariadb": signal.SIGTERM}  # fmt: skip
"""How an operator ends a service of a kind in good order."""

Choice = Callable[[Field], str]


class Ended:
    """A service that ends by a signal, stays down meanwhile, and is started again by the stack."""

    def __init__(self, field: Field, service: str, number: signal.Signals) -> None:
        self._stack, self._service, self._signal = field.stack, service, number
        self._down = contextlib.ExitStack()
        self._before: ServiceState | None = None

    def begin(self) -> None:
        """Send the signal and wait for the end."""
        before = self._before = self._stack.state.services[self._service]
        self._down.enter_context(self._stack.held_down(self._service))
        self._stack.signal(self._service, self._signal)
        if not wait_until(lambda: not is_alive(before.pid or 0, before.started or 0.0), _ENDS_WITHIN_S):
            raise NoEffect(f"{self._service} did not end within {_ENDS_WITHIN_S:g} s of {self._signal.name}")

    def end(self) -> None:
        """Let it be started again, and wait for that: what was killed may have left things that it removes."""
        self._down.close()
        wait_until(lambda: self._pid() is not None, _STARTS_WITHIN_S)

    def bite(self) -> str:
        """Name the process that took its place."""
        before = self._before
        if before is None or not wait_until(lambda: self._pid() not in (None, before.pid), _IS_BACK_WITHIN_S):
            return ""
        return f"{self._service}: process {before.pid} ended by {self._signal.name}, {self._pid()} took its place"

    def _pid(self) -> int | None:
        return self._stack.state.services[self._service].pid


class Paused:
    """A service whose processes all stand still, and then go on."""

    def __init__(self, field: Field, service: str) -> None:
        self._stack, self._service = field.stack, service
        self._stopped: list[psutil.Process] = []
        self._stood_still = False

    def begin(self) -> None:
        """Stop the process first, so that it starts no others, then those that it has."""
        pid = self._stack.state.services[self._service].pid
        if pid is None:
            raise NoEffect(f"{self._service} has no process")
        family = [psutil.Process(pid)]
        self._stop(family[0])
        for child in family[0].children(recursive=True):
            self._stop(child)
        self._stood_still = wait_until(lambda: all(_is_stopped(process) for process in self._stopped), _STOPS_WITHIN_S)

    def end(self) -> None:
        """Let all go on."""
        for process in reversed(self._stopped):
            with contextlib.suppress(psutil.Error):
                process.resume()

    def bite(self) -> str:
        """Say how many stood still."""
        count = len(self._stopped)
        processes = "1 process" if count == 1 else f"{count} processes"
        return f"{self._service}: {processes} stood still" if self._stood_still else ""

    def _stop(self, process: psutil.Process) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.suspend()
            self._stopped.append(process)


def kill(choose: Choice) -> Callable[[Field], Ended]:
    """Return what makes a service of the choice die at once."""
    return lambda field: Ended(field, choose(field), signal.SIGKILL)


def restart(choose: Choice) -> Callable[[Field], Ended]:
    """Return what ends a service of the choice in good order."""

    def make(field: Field) -> Ended:
        service = choose(field)
        return Ended(field, service, _SIGNALS[field.stack.state.services[service].kind])

    return make


def pause(choose: Choice) -> Callable[[Field], Paused]:
    """Return what has a service of the choice stand still."""
    return lambda field: Paused(field, choose(field))


def one_of(kind: str) -> Choice:
    """Return the choice of any service of a kind."""

    def choose(field: Field) -> str:
        names = _ours(field.stack.state, kind)
        if kind in field.fleets:  # the others are away
            names = [name for name in names if name in field.fleets[kind].wanted]
        return field.random.choice(names)

    return choose


def controller(field: Field) -> str:
    """Return the broker that leads the cluster's quorum."""
    return active_controller(field.stack.state)


def another_broker(field: Field) -> str:
    """Return a broker that does not lead the quorum, where there is one."""
    leader = active_controller(field.stack.state)
    names = _ours(field.stack.state, "kafka")
    return field.random.choice([name for name in names if name != leader] or names)


def active_controller(state: StackState) -> str:
    """Return which broker says in its log that it leads the quorum, in the latest epoch.

    Clients are not told: a broker names them any of its peers.
    """
    names = _ours(state, "kafka")
    found = [(0, names[0])]
    for name in names:
        text = Path(state.services[name].log).read_text(encoding="utf-8", errors="replace")
        found += [(int(epoch), name) for node, epoch in _LEADER.findall(text) if name.endswith(f"-{node}")]
    return max(found)[1]


def foreign_database(state: StackState) -> str:
    """Say that a stack has no database of its own."""
    return "" if any(_ours(state, kind) for kind in ("postgres", "mariadb")) else "the database is not ours"


def not_ours(kind: str, of_whom: str) -> Callable[[StackState], str]:
    """Return what says that a stack has no service of a kind that is its own."""

    def obstacle(state: StackState) -> str:
        if _ours(state, kind):
            return ""
        there = any(service.kind == kind for service in state.services.values())
        return f"{of_whom} is not ours" if there else f"this run has no {of_whom}"

    return obstacle


def no_quorum(state: StackState) -> str:
    """Say that there is no controller apart from the only broker, where that is so."""
    count = len(_ours(state, "kafka"))
    return "" if count > 1 else "the only broker is the controller: ask for --brokers 3"


def _ours(state: StackState, kind: str) -> list[str]:
    return [
        name for name, service in state.services.items() if service.kind == kind and not service.external
        and name != "postgres-replica"
    ]  # fmt: skip


def _is_stopped(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_STOPPED
    except psutil.NoSuchProcess:
        return True
