"""What services have used of the machine."""

from __future__ import annotations

import contextlib

import msgspec
import psutil

from seawall.stack.state import StackState, is_alive


class ResourceUse(msgspec.Struct, frozen=True):
    """Processor seconds (user and system) since the service's start, and the memory it holds now."""

    cpu_s: float
    rss_bytes: int


def usage(state: StackState) -> dict[str, ResourceUse]:
    """Return the use of every service that has a process of ours, all its children included.

    Children that ended are counted with the parent that waited for them, as PostgreSQL does with its backends. Memory
    that processes of a service share (PostgreSQL's buffers) counts once.
    """
    found = {}
    for name, service in state.services.items():
        if service.pid and service.started and is_alive(service.pid, service.started):
            with contextlib.suppress(psutil.NoSuchProcess):
                found[name] = _use(psutil.Process(service.pid))
    return found


def _use(process: psutil.Process) -> ResourceUse:
    cpu_s, private, shared = 0.0, 0, 0
    for one in (process, *process.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess), one.oneshot():
            times, memory = one.cpu_times(), one.memory_info()
            cpu_s += times.user + times.system + times.children_user + times.children_system
            private += memory.rss - memory.shared
            shared = max(shared, memory.shared)
    return ResourceUse(cpu_s, private + shared)
