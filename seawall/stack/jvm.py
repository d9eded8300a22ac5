"""The Java of each broker: its heap, and who collects its garbage."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

import psutil

from seawall.stack.errors import BadOptions

HEAP, COLLECTOR = "heap", "collector"
"""Names of the settings."""
_HEAP, _COLLECTOR = "512m", "G1"
_FLAGS = {
    # those of Kafka's own start script
    "G1": ("-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-XX:InitiatingHeapOccupancyPercent=35"),
    "Serial": ("-XX:+UseSerialGC",),
    "Parallel": ("-XX:+UseParallelGC",),
    "ZGC": ("-XX:+UseZGC",),
}
_UNITS = {"m": 2**20, "g": 2**30}
_MOST_OF_MEMORY = 0.6
"""What all heaps may take together: a broker's log lies in the system's page cache, and the others need some."""


def heap_size(settings: Mapping[str, str]) -> str:
    """Return the heap of each broker, of the settings or of ``SEAWALL_KAFKA_HEAP``; raises `BadOptions`."""
    heap = settings.get(HEAP) or os.environ.get("SEAWALL_KAFKA_HEAP", _HEAP)
    if not re.fullmatch(r"[1-9]\d*[mMgG]", heap):
        raise BadOptions(f"SEAWALL_KAFKA_HEAP is {heap!r}: write it like 512m or 2g")
    return heap


def collector(settings: Mapping[str, str]) -> str:
    """Return which collector each broker has."""
    return settings.get(COLLECTOR, _COLLECTOR)


def flags(settings: Mapping[str, str]) -> list[str]:
    """Return Java's flags for both; raises `BadOptions`."""
    heap = heap_size(settings)
    return [f"-Xms{heap}", f"-Xmx{heap}", *_FLAGS[collector(settings)], "-XX:+ExplicitGCInvokesConcurrent"]


def is_usual(settings: Mapping[str, str]) -> bool:
    """Tell whether the collector is the one that archives of classes are made with."""
    return collector(settings) == _COLLECTOR


def obstacle(settings: Mapping[str, str], brokers: int) -> str:
    """Return why this machine has no room for so large heaps; empty where it has."""
    heap = heap_size(settings)
    wanted = int(heap[:-1]) * _UNITS[heap[-1].lower()] * brokers
    memory = psutil.virtual_memory().total
    if wanted <= _MOST_OF_MEMORY * memory:
        return ""
    return (
        f"heap={heap} with --brokers {brokers}: of {memory / 2**30:.1f} GB of memory no more than"
        f" {_MOST_OF_MEMORY:.0%} should be heaps"
    )
