"""What a load and the process that shows its figures say to each other, a line of JSON each."""

from __future__ import annotations

import msgspec


class Place(msgspec.Struct, kw_only=True, frozen=True):
    """Where the figures are shown."""

    host: str
    port: int
    """0 lets the system choose one."""
    keys_file: str = ""
    """Keys that let those in who are not on this machine."""
    targets_directory: str = ""
    """Where a Prometheus looks for what it should read; empty where none does."""


class Begun(msgspec.Struct, kw_only=True, frozen=True):
    """Where they are, or what is in the way."""

    url: str = ""
    trouble: str = ""


class Endpoint(msgspec.Struct, array_like=True):
    """The requests of one name."""

    method: str
    name: str
    requests: int
    failures: int
    response_s: float
    """All response times together."""
    buckets: list[int]
    """As those of `contract.histogram.Durations`; empty where nobody times requests while the load goes on."""


class LiveFigures(msgspec.Struct):
    """Everything that is shown of a run."""

    running: bool
    users: int
    users_wanted: int
    workers: dict[str, int]
    """How many there are in which state."""
    endpoints: list[Endpoint]
    unsent: int | None = None
    """None, here and below, where it is not known: then it is not shown."""
    start_lag_p50_ms: float | None = None
    start_lag_p99_ms: float | None = None
    loop_lag_p99_ms: float | None = None
    """Of the process where it is largest, as the next one."""
    cpu_share: float | None = None
    reconnects: int | None = None
    outcome: str = ""
    """Of the run as far as it has come, where it is judged; empty where it is not, or not yet."""
