"""Under which conditions a run was made: what has to be the same where figures are held against each other."""

from __future__ import annotations

import json
from typing import Any

from seawall.result import Arm, Result

NOT_THE_LOAD = (
    *("blocks", "gate", "seed", "keep", "drain_timeout_s", "counts", "entities", "parts", "paths", "arms"),
    "database",
)
"""Options in which two runs may differ: they change which cells there are, not what a cell is.

Of the database the servers' settings tell, which are compared themselves."""
_IDENTITIES = ("cluster_id",)
"""Settings that name a server and change nothing about it: each start of an embedded Kafka has another."""
_VERSIONS = ("server_version", "version", "java")
"""Settings that say which version of a server it is."""
_GIB = 2**30


def settings_of(arm: Arm) -> dict[str, Any]:
    """Return the arm's settings, server by server, without what only names a server."""
    return {server: _without(settings, _IDENTITIES) for server, settings in arm.settings.items()}


def conditions(result: Result, arm: Arm) -> dict[str, str]:
    """Return what runs of a history have to share to stand in one series: machine, load options, settings, durability.

    Versions are not among them: what an upgrade did to the figures is what a history is asked.
    """
    machine = result.environment
    memory = machine.get("memory_bytes")
    found = {
        "processor": f"{machine.get('cores', '?')} cores, {machine.get('cpu', 'unknown')}",
        "memory": f"{memory / _GIB:.0f} GiB" if isinstance(memory, int | float) else "unknown",
        "durability": arm.durability,
    }
    for name, value in result.options.items():
        if name not in NOT_THE_LOAD and value not in (None, "", [], {}):
            found[f"option {name}"] = _text(value)
    for server, settings in settings_of(arm).items():
        found[f"settings of {server}"] = _text(_without(settings, _VERSIONS))
    return found


def versions(result: Result) -> dict[str, str]:
    """Return the version of everything that took part: commit, kernel, Python, libraries, servers."""
    machine = result.environment
    found = {name: str(machine[name]) for name in ("commit", "kernel", "python") if machine.get(name)}
    for group in ("libraries", "servers"):
        of_group = machine.get(group)
        if isinstance(of_group, dict):
            found |= {str(name): str(version) for name, version in of_group.items()}
    return found


def _without(settings: Any, names: tuple[str, ...]) -> Any:
    if not isinstance(settings, dict):
        return settings
    return {name: value for name, value in settings.items() if name not in names}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
