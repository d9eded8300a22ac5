"""What services have used of the machine."""

from __future__ import annotations

import contextlib
import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from seawall.stack.state import StackState, is_alive

_PROC = Path("/proc")
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class ResourceUse(msgspec.Struct, frozen=True):
    """Processor seconds (user and system) since the service's start, and the memory it holds now."""

    cpu_s: float
    rss_bytes: int


class _Process(NamedTuple):
    parent: int
    ticks: int
    """Its own and those of children that it has waited for."""


def usage(state: StackState) -> dict[str, ResourceUse]:
    """Return the use of every service that has a process of ours, all its children included.

    Children that ended are counted with the parent that waited for them, as PostgreSQL does with its backends. Memory
    that processes of a service share (PostgreSQL's buffers) counts once. This is asked while trials run, so it looks
    through the processes once for all services: a look for each would take the processor from them for a tenth of a
    second.
    """
    processes = dict(_processes())
    children: dict[int, list[int]] = defaultdict(list)
    for pid, process in processes.items():
        children[process.parent].append(pid)
    found = {}
    for name, service in state.services.items():
        if service.pid in processes and service.started and is_alive(service.pid, service.started):
            family = list(_family(service.pid, children))
            ticks = sum(processes[pid].ticks for pid in family)
            found[name] = ResourceUse(ticks * _TICK_S, _memory_bytes(family))
    return found


def _processes() -> Iterator[tuple[int, _Process]]:
    for entry in os.scandir(_PROC):
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):  # it ended in the meantime
            text = Path(entry.path, "stat").read_bytes()
            # The name, in brackets, may hold spaces and brackets itself.
            fields = text[text.rindex(b")") + 2 :].split()
            yield int(entry.name), _Process(int(fields[1]), sum(map(int, fields[11:15])))


def _family(pid: int, children: dict[int, list[int]]) -> Iterator[int]:
    yield pid
    for child in children.get(pid, ()):
        yield from _family(child, children)


def _memory_bytes(family: list[int]) -> int:
    private, shared = 0, 0
    for pid in family:
        with contextlib.suppress(OSError):
            resident, common = map(int, (_PROC / str(pid) / "statm").read_bytes().split()[1:3])
            private += resident - common
            shared = max(shared, common)
    return (private + shared) * _PAGE_BYTES
