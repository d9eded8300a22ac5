"""What must be the same in all processes of a distributed run: the releases, and the locustfile.

Else contents, ids or schedules differ between workers, and the sum of their figures means nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import locust
from locust.env import Environment

from seawall.stack.places import ROOT

HELLO = "seawall_hello"
"""A worker's first message: what it is like."""
UNLIKE = "seawall_unlike"
"""The master's answer to one that is not like it: what differs."""
_ROOMS = ("contract", "seawall/load")
"""What makes the load."""
_DIGITS = 12


def likeness(environment: Environment) -> dict[str, str]:
    """Return what has to be equal, by its name as people know it."""
    code = (path for room in _ROOMS for path in sorted((ROOT / room).rglob("*.py")))
    return {
        "Locust": locust.__version__,
        "Seawall's code": _digest(code),
        "locustfile": _digest(_locustfiles(environment)),
    }


def differences(ours: Mapping[str, str], theirs: Mapping[str, str]) -> str:
    """Say in words what differs; an empty text where nothing does."""
    return ", ".join(
        f"another {name} ({theirs.get(name, 'unknown')}, here {value})"
        for name, value in ours.items()
        if theirs.get(name) != value
    )


def _locustfiles(environment: Environment) -> Iterable[Path]:
    """Return the files; their names are left out, since a worker that is sent the file calls it as it likes."""
    for name in environment.parsed_locustfiles or []:
        path = Path(name)
        yield from sorted(path.rglob("*.py")) if path.is_dir() else [path]


def _digest(paths: Iterable[Path]) -> str:
    whole = hashlib.sha256()
    for path in paths:
        try:
            content = path.read_bytes()
        except OSError:  # an address that Locust fetched it from
            content = str(path).encode()
        whole.update(hashlib.sha256(content).digest())
    return whole.hexdigest()[:_DIGITS]
