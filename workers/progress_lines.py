"""Lines of JSON in which a worker says how far it is, for whoever follows it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

_STATUS = Path("/proc/self/status")


def say(found: dict[str, Any]) -> None:
    """Print a line."""
    print(msgspec.json.encode(found).decode(), flush=True)


def peak_memory_bytes() -> int:
    """Return the most memory that this process has held; `getrusage` would count that of whoever started it, too."""
    for line in _STATUS.read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0
