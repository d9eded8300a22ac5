"""What `kafka_user` asks of each of its generators, and what they say."""

from __future__ import annotations

import msgspec


class Way(msgspec.Struct, kw_only=True, frozen=True):
    """One generator at a steady rate."""

    kind: str
    """``bare``: a producer in a loop; ``users``: Kafka users in Locust; ``http``: writes to *url*."""
    wait: bool = True
    """Whether each user waits for its acks."""
    follow: bool = False
    """Whether a consumer looks for the records."""
    url: str = ""
    rate_per_s: float = 5_000.0
    users: int = 500
    warmup_s: float = 1.0
    seconds: float = 4.0
    linger_ms: float = 10.0
    seed: int = 1
    core: int = 0


class Cost(msgspec.Struct, kw_only=True, frozen=True):
    """What it took; times are microseconds of processor time a record."""

    records: int
    cpu_us: float
    """Of all threads of the process."""
    loop_us: float
    """Of the thread that sends: what bounds the rate of one process."""
    ack_p50_ms: float
    ack_p99_ms: float
    """From the sending to the acknowledgement."""
