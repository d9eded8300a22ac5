"""What the generator of `recording` says of each of its runs."""

from __future__ import annotations

import msgspec


class RecordingRun(msgspec.Struct, kw_only=True, frozen=True):
    """One closed-loop run, with or without the recorder."""

    pair: int
    """0 is the warm-up."""
    recorded: bool
    requests: int
    failed: int
    elapsed_s: float
    cpu_s: float
    """Of the whole process, its threads included."""
