"""Settings of one feed process: environment variables with the prefix ``SEAWALL_``, or `.env`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from contract.logs import LogFormat


class Settings(BaseSettings):
    """What one feed process does; addresses of servers are in `contract.connections`."""

    model_config = SettingsConfigDict(env_prefix="SEAWALL_", env_file=".env", extra="ignore", frozen=True)

    feed_name: str = Field(default="feed", pattern="^[A-Za-z0-9._-]{1,100}$")
    """By which the brokers know it."""
    feed_source: Literal["log", "database"] = "log"
    """Where records come from. `database` has each subscriber ask by a query: what one would do without a log."""
    feed_host: str = "127.0.0.1"
    """Address on which it listens; one beyond this machine needs `api_keys_file`."""
    feed_port: int = Field(default=8100, ge=0, le=65535)
    """Port; 0 lets the system choose one."""
    feed_sockets: list[int] = []
    """Listening sockets that were inherited, by their numbers, in place of address and port."""
    feed_subscribers: int = Field(default=10_000, ge=1)
    """As many at once; more are answered with 503."""
    feed_linger_ms: float = Field(default=10.0, ge=0, le=1_000)
    """How long records are gathered after the first, so that a frame holds some."""
    feed_round_records: int = Field(default=2_000, ge=1, le=50_000)
    """As many at most at once."""
    feed_recent_records: int = Field(default=20_000, ge=0, le=1_000_000)
    """Kept in memory for subscribers that come back; what is older is read from the log again."""
    feed_queue_bytes: int = Field(default=262_144, ge=1_024)
    """What may wait for a subscriber beside its connection's buffers; who leaves more is let go."""
    feed_send_buffer_bytes: int = Field(default=65_536, ge=4_096)
    """The system's buffer of each connection: what is in it counts for nobody as waiting."""
    feed_heartbeat_s: float = Field(default=15.0, gt=0)
    """How often who has nothing to hear is told how far it is, and a WebSocket is asked whether it lives."""
    feed_pong_s: float = Field(default=20.0, gt=0)
    """How long a WebSocket may take to answer that, before its connection is cut."""
    feed_farewell_s: float = Field(default=2.0, gt=0)
    """How long a connection may take to hear why it ends, before it is cut."""
    feed_poll_ms: float = Field(default=500.0, ge=10)
    """With `database`: how long each subscriber waits between two queries."""
    feed_poll_connections: int = Field(default=8, ge=1, le=200)
    """With `database`: connections that the subscribers share."""
    api_keys_file: Path | None = None
    """File of the keys' digests, as the API has it: a key that allows reading lets one subscribe."""
    api_without_keys: bool = False
    """Whether everybody on this machine may subscribe, for development."""
    feed_metrics_host: str = "127.0.0.1"
    """Address on which `/metrics` is served; one beyond this machine needs `api_keys_file`."""
    feed_metrics_port: int | None = Field(default=None, ge=0, le=65535)
    """Port of `/metrics`; 0 lets the system choose one, and without one there are no metrics."""
    log_format: LogFormat = "text"
    """`json` writes a JSON object a line, for machines."""
