"""Start API and sinks of a running stack anew, with other environment variables."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

from contract.connections import Connections
from seawall.stack import api
from seawall.stack.errors import NotAdjusted, Unreachable
from seawall.stack.reset import Reset
from seawall.stack.state import ServiceState, StackState, is_alive, read_state
from seawall.stack.variables import KINDS, Variables, read_variables, write_variables

_BACK_WITHIN_S, _POLL_S = 45.0, 0.05


def start_with(variables: Variables, connections: Connections, state: StackState) -> None:
    """Have API and sinks run with *variables* and no others; return once all that were started anew do their work.

    Who has them already is left alone. Raises `NotAdjusted`.
    """
    data = Path(state.data_dir)
    before = read_variables(data)
    wanted = {kind: dict(variables.get(kind, {})) for kind in KINDS}
    changed = [kind for kind in KINDS if before.get(kind, {}) != wanted[kind]]
    ending = {name: one for name, one in _services(state).items() if one.kind in changed}
    for name, service in ending.items():
        if service.external:
            raise NotAdjusted(f"{name} is not ours, so it cannot be started with other settings")
    if not ending:
        return
    write_variables(data, wanted)
    for service in ending.values():
        with contextlib.suppress(ProcessLookupError):
            if service.pid is not None and is_alive(service.pid, service.started or 0.0):
                os.kill(service.pid, signal.SIGTERM)
    _await_them(ending, connections, state)


def _await_them(ending: dict[str, ServiceState], connections: Connections, state: StackState) -> None:
    reset = Reset(connections, state)
    deadline_s = time.monotonic() + _BACK_WITHIN_S
    try:
        while missing := _missing(ending, reset, state):
            if time.monotonic() > deadline_s:
                raise NotAdjusted(f"started anew with other settings, {missing}; see the logs in {state.logs_dir}")
            time.sleep(_POLL_S)
    finally:
        reset.close()


def _missing(ending: dict[str, ServiceState], reset: Reset, state: StackState) -> str:
    """Return in words what is not there again; empty where everything is."""
    now = _services(state)
    for name, before in ending.items():
        service = now[name]
        if service.pid in (None, before.pid) or not is_alive(service.pid or 0, service.started or 0.0):
            return f"{name} did not come back"
    try:
        for _ in range(state.api_processes):  # the system chooses which of them answers
            api.check(state.api_url)
        return reset.missing(state.sinks)
    except Unreachable as error:
        return str(error)


def _services(state: StackState) -> dict[str, ServiceState]:
    return (read_state() or state).services
