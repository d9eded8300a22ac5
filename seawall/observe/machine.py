"""Processors, memory and disks: of a stack's own processes, and as a Prometheus knows those of a stack elsewhere."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from seawall.observe.errors import PrometheusGone
from seawall.stack.stack import Stack

NAMESPACE_VARIABLE = "SEAWALL_PROMETHEUS_NAMESPACE"
_NAMESPACE = "seawall"
_IN_MEMORY = "tmpfs|ramfs|overlay|squashfs|devtmpfs"
_CONTAINER_CPU, _CONTAINER_MEMORY = "container_cpu_usage_seconds_total", "container_memory_working_set_bytes"
_PROCESS_CPU, _PROCESS_MEMORY = "process_cpu_seconds_total", "process_resident_memory_bytes"
_VOLUME_FREE, _VOLUME_SIZE = "kubelet_volume_stats_available_bytes", "kubelet_volume_stats_capacity_bytes"
_NODE_FREE, _NODE_SIZE = "node_filesystem_avail_bytes", "node_filesystem_size_bytes"

Series = dict[str, Any]
"""One of Prometheus' answer to an instant query: ``metric``, its labels, and ``value``, a time and a text."""


class Use(msgspec.Struct, kw_only=True, frozen=True):
    """What a process, or a container, has used and holds."""

    cpu_s: float
    memory_bytes: int


class Room(msgspec.Struct, kw_only=True, frozen=True):
    """What is left of a disk."""

    free_bytes: int
    size_bytes: int


def uses_of_stack(stack: Stack) -> dict[str, Use]:
    """Return the use of each service of ours, its children included."""
    return {name: Use(cpu_s=use.cpu_s, memory_bytes=use.rss_bytes) for name, use in stack.resources().items()}


def rooms_of_stack(stack: Stack) -> dict[str, Room]:
    """Return the room where the servers of the stack keep their data; file systems that several share count once."""
    found: dict[int, tuple[str, Room]] = {}
    for place in (Path(stack.state.data_dir), *map(Path, stack.state.directories)):
        try:
            device, usage = place.stat().st_dev, shutil.disk_usage(place)
        except OSError:  # it goes just now
            continue
        found.setdefault(device, (str(place), Room(free_bytes=usage.free, size_bytes=usage.total)))
    return dict(found.values())


def machine_query() -> str:
    """Return what is asked of Prometheus: containers and volumes of the namespace, our processes, and hosts' disks.

    Raises `PrometheusGone` where the environment names a namespace that cannot be one.
    """
    namespace = os.environ.get(NAMESPACE_VARIABLE, "") or _NAMESPACE
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", namespace):
        raise PrometheusGone(f"{NAMESPACE_VARIABLE} should be the name of a namespace, such as {_NAMESPACE}")
    mine = f'namespace="{namespace}"'
    return " or ".join(
        (
            f'{{__name__=~"{_CONTAINER_CPU}|{_CONTAINER_MEMORY}",{mine},container!="",container!="POD"}}',
            f'{{__name__=~"{_PROCESS_CPU}|{_PROCESS_MEMORY}",job=~"seawall-.+"}}',
            f'{{__name__=~"{_VOLUME_FREE}|{_VOLUME_SIZE}",{mine}}}',
            f'{{__name__=~"{_NODE_FREE}|{_NODE_SIZE}",fstype!~"{_IN_MEMORY}"}}',
        )
    )


def uses_of_series(series: Iterable[Series]) -> dict[str, Use]:
    """Return the use of each pod, or where no container is known, of each of our processes."""
    series = list(series)
    pods = _both(series, _CONTAINER_CPU, _CONTAINER_MEMORY, ("pod",))
    found = pods or _both(series, _PROCESS_CPU, _PROCESS_MEMORY, ("service", "instance"))
    return {name: Use(cpu_s=cpu_s, memory_bytes=int(memory)) for name, (cpu_s, memory) in found.items()}


def rooms_of_series(series: Iterable[Series]) -> dict[str, Room]:
    """Return the room on each volume, or where none is known, on each disk of the hosts."""
    series = list(series)
    volumes = _both(series, _VOLUME_FREE, _VOLUME_SIZE, ("persistentvolumeclaim",))
    found = volumes or _both(series, _NODE_FREE, _NODE_SIZE, ("instance", "mountpoint"), together=True)
    return {name: Room(free_bytes=int(free), size_bytes=int(size)) for name, (free, size) in found.items()}


def _both(
    series: list[Series], first: str, second: str, labels: tuple[str, ...], *, together: bool = False
) -> dict[str, tuple[float, float]]:
    """Return two metrics for what has both; its name is the first of the *labels* that it has, or all *together*."""
    found: dict[str, dict[str, float]] = {}
    for one in series:
        metric, value = one["metric"], float(one["value"][1])
        if metric.get("__name__") in (first, second):
            named = [metric[label] for label in labels if metric.get(label)]
            name = "".join(named) if together else named[0] if named else ""
            values = found.setdefault(name, {})
            values[metric["__name__"]] = values.get(metric["__name__"], 0.0) + value
    return {name: (had[first], had[second]) for name, had in sorted(found.items()) if first in had and second in had}
