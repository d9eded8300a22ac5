"""How often services have looked for garbage: Java's counters of itself, and what Python processes of ours show."""

from __future__ import annotations

import http.client
import pwd
import re
import struct
import urllib.request
from pathlib import Path

from seawall.stack.state import ServiceState

_TIMEOUT_S = 5.0
_PYTHONS = re.compile(r"^python_gc_collections_total\{[^}]*\} (\S+)$", re.MULTILINE)
# The layout of HotSpot's perfMemory, version 2: a prologue, then entries of a head, a name and a value
_MAGIC = b"\xca\xfe\xc0\xc0"
_PROLOGUE, _ENTRY = "4sBBBBiiqii", "iiiBBBBi"
_LONG = ord("J")
_INVOCATIONS = re.compile(rb"sun\.gc\.collector\.\d+\.invocations")


def collections_of(service: ServiceState) -> int | None:
    """Return how often all collectors of the service's process have run; None where it does not tell."""
    if service.metrics_url:
        return _of_python(service.metrics_url)
    if service.kind == "kafka" and service.pid:
        return _of_java(service.pid)
    return None


def _of_python(metrics_url: str) -> int | None:
    try:
        with urllib.request.urlopen(metrics_url, timeout=_TIMEOUT_S) as answer:  # noqa: S310 - addresses of our own servers
            counts = _PYTHONS.findall(answer.read().decode())
    except (OSError, ValueError, http.client.HTTPException):
        return None
    return round(sum(map(float, counts))) if counts else None


def _of_java(pid: int) -> int | None:
    try:
        user = pwd.getpwuid(Path(f"/proc/{pid}").stat().st_uid).pw_name
        counters = read_counters(Path(f"/tmp/hsperfdata_{user}/{pid}").read_bytes())  # noqa: S108 - where HotSpot puts it
    except (OSError, KeyError, ValueError, struct.error):
        return None
    counts = [value for name, value in counters.items() if _INVOCATIONS.fullmatch(name)]
    return sum(counts) if counts else None


def read_counters(data: bytes) -> dict[bytes, int]:
    """Return the numbers among a Java process's counters by their names; raises `ValueError` or `struct.error`."""
    order = "<" if data[4:5] == b"\1" else ">"
    magic, _, major, *_, place, entries = struct.unpack_from(order + _PROLOGUE, data)
    if magic != _MAGIC or major != 2:  # noqa: PLR2004 - the layout that is known
        raise ValueError("these are no counters of a Java process")
    found = {}
    for _ in range(entries):
        length, name_at, _, kind, _, _, _, value_at = struct.unpack_from(order + _ENTRY, data, place)
        if length <= 0:
            raise ValueError("an entry without an end")
        if kind == _LONG:
            name = data[place + name_at : data.index(b"\0", place + name_at)]
            (found[name],) = struct.unpack_from(order + "q", data, place + value_at)
        place += length
    return found
