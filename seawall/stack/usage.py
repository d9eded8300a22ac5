"""What services have used of the machine."""

from __future__ import annotations

import contextlib
import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from seawall.stack.garbage import collections_of
from seawall.stack.state import OBSERVERS, StackState, is_alive

_PROC = Path("/proc")
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class ResourceUse(msgspec.Struct, frozen=True):
    """What a service has used since its start, and what it holds now."""

    cpu_s: float
    """Processor seconds, user and system."""
    rss_bytes: int
    written_bytes: int = 0
    """To disks; what stays in the page cache counts when it is written."""
    context_switches: int | None = None
    open_files: int | None = None
    """None where nobody looked: with ten thousand connections a look costs milliseconds."""
    collections: int | None = None
    """How often it has looked for garbage; None where nobody looked, or it has no collector that tells."""


class _Process(NamedTuple):
    parent: int
    ticks: int
    """Its own and those of children that it has waited for."""


def usage(state: StackState, *, thorough: bool = False) -> dict[str, ResourceUse]:
    """Return the use of every service that has a process of ours, all its children included.

    Context switches, open files and garbage collections are counted on a *thorough* look only.

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
        if service.kind in OBSERVERS:  # what they use is none of the service's cost
            continue
        if service.pid in processes and service.started and is_alive(service.pid, service.started):
            family = list(_family(service.pid, children))
            ticks = sum(processes[pid].ticks for pid in family)
            found[name] = ResourceUse(
                ticks * _TICK_S,
                _memory_bytes(family),
                sum(map(_written_bytes, family)),
                sum(map(_context_switches, family)) if thorough else None,
                sum(map(_open_files, family)) if thorough else None,
                collections_of(service) if thorough else None,
            )
    return found


def process_use(pid: int, *, thorough: bool = False) -> ResourceUse | None:
    """Return the use of one process without its children, as `usage` tells it; None where it has ended."""
    process = _process(pid)
    if process is None:
        return None
    return ResourceUse(
        process.ticks * _TICK_S,
        _memory_bytes([pid]),
        _written_bytes(pid),
        _context_switches(pid) if thorough else None,
        _open_files(pid) if thorough else None,
    )


def machine_network_bytes() -> int:
    """Return how many bytes all interfaces, the loopback included, have received since the machine's start."""
    _, _, *lines = (_PROC / "net/dev").read_text(encoding="ascii").splitlines()
    return sum(int(line.partition(":")[2].split()[0]) for line in lines)


def _processes() -> Iterator[tuple[int, _Process]]:
    for entry in os.scandir(_PROC):
        if entry.name.isdigit() and (process := _process(int(entry.name))) is not None:
            yield int(entry.name), process


def _process(pid: int) -> _Process | None:
    """Return what the system says of a process; None where it ended in the meantime."""
    try:
        text = (_PROC / str(pid) / "stat").read_bytes()
    except OSError:
        return None
    # The name, in brackets, may hold spaces and brackets itself.
    fields = text[text.rindex(b")") + 2 :].split()
    return _Process(int(fields[1]), sum(map(int, fields[11:15])))


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


def _written_bytes(pid: int) -> int:
    """Return what a process and the children that it waited for have written; 0 where the system does not tell."""
    with contextlib.suppress(OSError, ValueError):
        text = (_PROC / str(pid) / "io").read_bytes()
        return int(text[text.index(b"\nwrite_bytes:") + 13 :].split(maxsplit=1)[0])
    return 0


def _context_switches(pid: int) -> int:
    """Return how often the threads that a process has now left a processor, of their own will or not."""
    found = 0
    with contextlib.suppress(OSError):
        for thread in os.scandir(_PROC / str(pid) / "task"):
            with contextlib.suppress(OSError, ValueError):
                text = Path(thread.path, "status").read_bytes()
                found += sum(int(line.split()[1]) for line in text.splitlines()[-2:])
    return found


def _open_files(pid: int) -> int:
    with contextlib.suppress(OSError):
        return len(os.listdir(_PROC / str(pid) / "fd"))  # noqa: PTH208 - a thousand Paths would cost more
    return 0
