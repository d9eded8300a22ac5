"""The sinks of a running stack, or its API processes, of which some may be away: as many run as are wanted.

The stack is started with as many as there may ever be. One that is taken away is told to end, and held down
(`seawall.stack.holds`); one that comes is let go, and started by the supervisor under the name it had: as the pods of a
StatefulSet do, whose highest number leaves first.
"""

from __future__ import annotations

import contextlib
import signal
import time
from http import HTTPStatus
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from seawall.stack.balancer import Control
from seawall.stack.errors import NotRunning, NotSettled, Unreachable
from seawall.stack.service import NotReady, status_of
from seawall.stack.stack import Stack
from seawall.stack.state import ServiceState, is_alive

_POLL_S = 0.1


class Fleet:
    """All services of a *kind*, ``sink`` or ``api``; use as a context manager, at whose end all of them run again."""

    def __init__(self, stack: Stack, kind: str) -> None:
        self._stack, self._kind = stack, kind
        services = stack.state.services.items()
        own = [name for name, service in services if service.kind == kind and not service.external]
        self.names = sorted(own, key=_number)
        """The lowest number first."""
        self._away: dict[str, contextlib.ExitStack] = {}
        balanced = kind == "api" and "balancer" in stack.state.services
        self._control = Control(Path(stack.state.data_dir)) if balanced else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for name in list(self._away):
            self.start(name)

    @property
    def wanted(self) -> list[str]:
        """Those that shall run."""
        return [name for name in self.names if name not in self._away]

    def scale_to(self, count: int) -> None:
        """Have the *count* lowest numbers run, and no others; returns before they do."""
        for number, name in enumerate(self.names):
            if number < count:
                self.start(name)
            else:
                self.stop(name)

    def start(self, name: str) -> None:
        """Have one run that was away; nothing happens to one that runs."""
        if name in self._away:
            self._away.pop(name).close()

    def stop(self, name: str) -> None:
        """Tell one to end in good order (SIGTERM), and keep it away; nothing happens to one that is."""
        if name in self._away:
            return
        self._away[name] = contextlib.ExitStack()
        self._away[name].enter_context(self._stack.held_down(name))
        with contextlib.suppress(NotRunning):
            self._stack.signal(name, signal.SIGTERM)

    def is_settled(self) -> bool:
        """Tell whether those that are wanted do their work, and no others are left.

        Sinks and API processes say it themselves, of the latter the balancer before them where there is one.
        """
        services = self._stack.state.services
        if any(_runs(services[name]) for name in self._away):
            return False
        wanted = set(self.wanted)
        if not all(_runs(services[name]) for name in wanted):
            return False
        try:
            if self._kind == "sink":
                return self._stack.sinks_at_work() == wanted
            if self._control is not None:
                return self._control.up() == wanted
        except Unreachable:
            return False
        return all(_is_ready(services[name]) for name in wanted)

    def running(self) -> int:
        """Return how many processes there are now."""
        services = self._stack.state.services
        return sum(_runs(services[name]) for name in self.names)

    def runs(self, name: str) -> bool:
        """Tell whether one of them has a process now."""
        return _runs(self._stack.state.services[name])

    def await_settled(self, within_s: float) -> None:
        """Wait until all is as wanted; raises `NotSettled`."""
        deadline_s = time.monotonic() + within_s
        while not self.is_settled():
            if time.monotonic() > deadline_s:
                raise NotSettled(
                    f"{within_s:g} s after {len(self.wanted)} of {len(self.names)} {self._kind} processes were wanted"
                    f" it was not so: see the logs in {self._stack.state.logs_dir}"
                )
            time.sleep(_POLL_S)


def _runs(service: ServiceState) -> bool:
    return service.pid is not None and is_alive(service.pid, service.started or 0.0)


def _is_ready(service: ServiceState) -> bool:
    with contextlib.suppress(NotReady):
        return status_of(urlsplit(service.own_address).port, "/readyz") == HTTPStatus.OK
    return False


def _number(name: str) -> int:
    digits = name.rpartition("-")[2]
    return int(digits) if digits.isdigit() else 0
