"""Settings of one sink: environment variables with the prefix ``SEAWALL_``, or `.env`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, Json
from pydantic_settings import BaseSettings, SettingsConfigDict

from contract.logs import LogFormat
from contract.topics import SINK_GROUP


class Settings(BaseSettings):
    """What one sink does; addresses of servers are in `contract.connections`."""

    model_config = SettingsConfigDict(env_prefix="SEAWALL_", env_file=".env", extra="ignore", frozen=True)

    sink_name: str = Field(default="sink-1", pattern="^[A-Za-z0-9._-]{1,100}$")
    """Tells sinks apart: name of the journal, and of the static member of the group. Never run two with one name."""
    sink_group: str = Field(default=SINK_GROUP, min_length=1, max_length=200)
    """Consumer group; another one reads the whole log again, say into another database."""
    journal_dir: Path = Path(".seawall/journal")
    """Where the journal is written."""
    sink_journal: bool = True
    """Whether one is written; where nobody reads it, it would only fill the disk."""
    sink_pulse_file: Path | None = None
    """File that is touched once a second as long as the loop goes round, for a health check."""
    sink_batch_size: int = Field(default=2_000, ge=1, le=50_000)
    """Largest batch."""
    sink_max_wait_ms: float = Field(default=5.0, ge=0, le=10_000)
    """Longest time from a batch's first record until it is written; enough for the rest of a broker's answer."""
    sink_connections: int = Field(default=1, ge=1, le=16)
    """Over so many connections a batch is written at once, each partition's records over one of them."""
    sink_fetch_wait_ms: int = Field(default=40, ge=1)
    """How long a broker gathers records before it answers, so that few batches are large."""
    sink_fetch_bytes: int = Field(default=1_000_000, ge=1, le=50_000_000)
    """With so many bytes the broker answers at once; 1 lets it answer with the first record."""
    sink_consumer_properties: Json[dict[str, bool | int | float | str]] = Field(default={}, validate_default=False)
    """Further settings of the consumer by librdkafka's names, as a JSON object; they win over those around."""
    sink_static_membership: bool = True
    """Whether a sink that is started again has its partitions back without a rebalance; if not, others get them."""
    sink_assignor: Literal["cooperative-sticky", "range", "roundrobin", "consumer"] = "cooperative-sticky"
    """Who gives partitions to sinks: a member by one of librdkafka's rules, or (`consumer`, KIP-848) the broker."""
    sink_offset_commits: Literal["batch", "automatic", "periodic", "1+N", "database", "before-write"] = "batch"
    """When offsets are committed, see `workers.sink.commits`; all but `before-write` lose nothing."""
    sink_commit_interval_ms: int = Field(default=5_000, ge=1, le=86_400_000)
    """Time between two commits that are `automatic` or `periodic`."""
    sink_commit_batches: int = Field(default=10, ge=1, le=10_000)
    """Batches between two commits of `1+N`; one more comes at the end, and when partitions go to another sink."""
    sink_session_timeout_ms: int = Field(default=6_000, ge=6_000)
    """How long the partitions of a sink that is gone for good stay without a reader."""
    sink_database_timeout_s: float = Field(default=10.0, gt=0)
    """How long one statement may take before the batch is written again."""
    sink_retry_s: float = Field(default=0.1, gt=0)
    """First pause after a failure that may pass; it doubles up to `sink_retry_limit_s`."""
    sink_retry_limit_s: float = Field(default=2.0, gt=0)
    """Longest pause after a failure that may pass."""
    log_format: LogFormat = "text"
    """`json` writes a JSON object a line, for machines."""
    sink_metrics_host: str = "127.0.0.1"
    """Address on which `/metrics` is served; one beyond this machine needs the next setting but one."""
    sink_metrics_port: int | None = Field(default=None, ge=0, le=65535)
    """Port of `/metrics`; 0 lets the system choose one, and without one there are no metrics."""
    api_keys_file: Path | None = None
    """File of the keys' digests, as the API has it: a key for administration lets one see metrics from elsewhere."""
