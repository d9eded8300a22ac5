"""The state file: what a running stack is made of, and where it can be reached."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import msgspec
import psutil

from seawall.stack.options import StackOptions
from seawall.stack.places import home

SCHEMA_VERSION = 1
_START_TOLERANCE_S = 0.05


OBSERVERS = ("exporter", "prometheus")
"""Kinds of services that look on, and are no part of what is measured."""


class ServiceState(msgspec.Struct, frozen=True, kw_only=True):
    """One service; *pid* and *started* (seconds since 1970) are None where it is not ours or does not run."""

    kind: str
    address: str
    pid: int | None = None
    started: float | None = None
    port: int | None = None
    own_address: str = ""
    """Where a process of the API can be asked by itself, whoever else shares its port."""
    metrics_url: str = ""
    """Where a process shows what it counts, for Prometheus; empty where it shows nothing."""
    version: str = ""
    log: str = ""
    external: bool = False
    restarts: int = 0
    ready: bool = False


class StackState(msgspec.Struct, frozen=True, kw_only=True):
    """A stack; *phase* is ``starting``, ``up`` or ``stopping``."""

    schema_version: int
    run: str
    phase: str
    supervisor_pid: int
    supervisor_started: float
    started: float
    owner: str
    options: StackOptions
    api_url: str
    """What clients use: the API, or the HTTP cache in front of it."""
    api_tls_url: str = ""
    """The same by TLS; empty where there is none."""
    api_tls_authority: str = ""
    """File of the authority that vouches for its certificate."""
    api_key: str = ""
    """What a client sends to it (``Authorization: Bearer KEY``); empty where it asks for none."""
    trace_url: str = ""
    """Where API and sinks send their traces (OTLP over HTTP); empty where they send none."""
    environment: dict[str, str]
    brokers: int
    partitions: int
    sinks: int
    api_processes: int = 1
    """Ours; 0 where the service is another's."""
    kafka: bool
    journal_dir: str
    logs_dir: str
    data_dir: str
    directories: list[str] = []
    mounts: list[str] = []
    """Where file systems of limited size are, or will be."""
    services: dict[str, ServiceState] = {}


def state_path() -> Path:
    """Return where the state file is, whether it exists or not."""
    return home() / "stack.json"


def read_state() -> StackState | None:
    """Return the state of the stack that is up; None if there is none or its supervisor is dead."""
    state = last_state()
    if state is None or state.phase != "up" or not is_alive(state.supervisor_pid, state.supervisor_started):
        return None
    return state


def last_state() -> StackState | None:
    """Return what the state file says, true or not any more; None if there is none of this version."""
    try:
        return msgspec.json.decode(state_path().read_bytes(), type=StackState)
    except (FileNotFoundError, NotADirectoryError, msgspec.DecodeError):
        return None


def write_state(state: StackState) -> None:
    """Replace the state file at once, readable by its owner only."""
    path = state_path()
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".stack-")
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(state), indent=1) + b"\n")
    Path(name).replace(path)


def remove_state() -> None:
    """Remove the state file if it is there."""
    state_path().unlink(missing_ok=True)


def is_alive(pid: int, started: float) -> bool:
    """Tell whether the process *pid* that began at *started* still runs; a later one of that number does not count."""
    try:
        process = psutil.Process(pid)
        return abs(process.create_time() - started) < _START_TOLERANCE_S and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def started_at(pid: int) -> float:
    """Return when the process *pid* began, seconds since 1970; 0 if it is gone."""
    try:
        return psutil.Process(pid).create_time()
    except psutil.Error:
        return 0.0
