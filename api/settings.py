"""Settings of one API process: environment variables with the prefix ``SEAWALL_``, or `.env`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from uuid import uuid4

from pydantic import Field, FilePath, Json
from pydantic_settings import BaseSettings, SettingsConfigDict

from contract.logs import LogFormat


class Settings(BaseSettings):
    """What one API process does; addresses of servers are in `contract.connections`."""

    model_config = SettingsConfigDict(env_prefix="SEAWALL_", env_file=".env", extra="ignore", frozen=True)

    # the server
    api_host: str = "127.0.0.1"
    """Address to listen on."""
    api_port: int = Field(default=8000, ge=0, le=65535)
    """Port to listen on; 0 lets the system choose one."""
    api_sockets: tuple[int, ...] = ()
    """Descriptors of sockets that listen already, in place of address and port: whoever started us opened them."""
    api_tls_certificate: FilePath | None = None
    """Certificate for TLS with its chain, in PEM format."""
    api_tls_key: FilePath | None = None
    """Its key, where it is not in the same file."""
    api_tls_port: int | None = Field(default=None, ge=0, le=65535)
    """Port for TLS beside the one for cleartext; without it the certificate makes `api_port` a port for TLS."""
    api_tls_sockets: tuple[int, ...] = ()
    """As `api_sockets`, in place of `api_tls_port`."""
    api_keys_file: Path | None = None
    """File of the keys' digests (`contract.api_keys`); needed, but for the next setting."""
    api_without_keys: bool = False
    """Ask for no keys: for development, on loopback only."""
    api_docs: bool = False
    """Show `/docs` and `/openapi.json` to everybody."""
    api_backlog: int = Field(default=4096, ge=1)
    """Connections that may wait to be accepted."""
    api_keep_alive_s: int = Field(default=75, ge=1)
    """How long an idle connection is kept."""
    api_request_s: float = Field(default=20.0, gt=0)
    """How long a request may take to arrive, and how long an answer may wait for a client that does not read."""
    api_connections: int = Field(default=0, ge=0)
    """Most connections at once; 0: as many as open files allow."""
    api_graceful_s: int = Field(default=15, ge=1)
    """How long requests in flight may take after SIGTERM."""
    api_drain_delay_s: float = Field(default=0.0, ge=0)
    """How long `/readyz` says 503 before the port closes: give a load balancer time to notice."""
    api_ready_cache_s: float = Field(default=1.0, ge=0)
    """How long an answer of `/readyz` is reused."""
    max_body_bytes: int = Field(default=256 * 1024, ge=1024)
    """Largest request body."""
    max_head_bytes: int = Field(default=16 * 1024, ge=1024)
    """Largest request line and headers together."""

    # admission
    queue_longest_ms: float = Field(default=100.0, gt=0)
    """Longest wait, for a connection or a batch, that lasts without newcomers being refused."""
    loop_longest_ms: float = Field(default=25.0, gt=0)
    """The same of the event loop, which a request passes when it comes, with its batch, and for its answer."""
    queue_patience_ms: float = Field(default=500.0, ge=0)
    """How long a wait may be longer than that before newcomers are answered with 503."""

    # sync
    sync_pool_size: int = Field(default=16, ge=1)
    """Connections of the `sync` path."""
    sync_pool_timeout_s: float = Field(default=2.0, gt=0)
    """How long a request waits for a connection before it is answered with 503."""

    # grouped
    group_connections: int = Field(default=2, ge=1)
    """Connections of the `grouped` path: batches that may commit at the same time."""
    group_size: int = Field(default=500, ge=1)
    """Largest batch of the `grouped` path."""
    group_wait_ms: float = Field(default=2.0, ge=0)
    """Longest time a batch waits for more records once a connection is free."""
    group_queue: int = Field(default=20_000, ge=1)
    """Records that may wait; more are answered with 503."""

    # kafka
    kafka_linger_ms: float = Field(default=10.0, ge=0)
    """How long the producer waits for more records of a partition."""
    kafka_compression: Literal["none", "gzip", "snappy", "lz4", "zstd"] = "none"
    """Compression of the producer's batches."""
    kafka_message_timeout_ms: int = Field(default=10_000, ge=100)
    """How long the producer tries to deliver a record; keep it below the clients' patience."""
    kafka_longest_ack_ms: float = Field(default=1_000.0, gt=0)
    """Longest wait for an ack that lasts without newcomers being refused; a leader's election takes some of it."""
    kafka_producer_properties: Json[dict[str, bool | int | float | str]] = Field(default={}, validate_default=False)
    """Further settings of the producer by librdkafka's names, as a JSON object; they win over those above."""
    kafka_queue_messages: int = Field(default=100_000, ge=1)
    """Records that may wait in the producer; more are answered with 503."""
    kafka_flush_every: int = Field(default=0, ge=0, le=100_000)
    """After so many records the producer is flushed, for which every request waits; 0: never."""
    kafka_transactions: Literal["none", "each", "group"] = "none"
    """Whether records are written in transactions: each in one of its own, or all that wait in one."""
    kafka_transactional_id: str = Field(default_factory=lambda: f"seawall-api-{uuid4()}", min_length=1, max_length=200)
    """Names the producer of transactions, no two at a time alike; one that stays the same over restarts has what its
    predecessor left open ended at once, and not when its time is up."""
    value_serializer: Literal["string", "bytes", "json", "avro", "protobuf"] = "json"
    """How records are written into the log, a name of `contract.codecs.CODECS`."""
    key_serializer: Literal["string", "bytes", "json", "avro", "protobuf"] = "string"
    """How their ids are written as keys, a name of `contract.keys.KEY_CODECS`."""

    partition_by: Literal["key", "explicit", "user", "sticky", "round-robin"] = "key"
    """Which partition a record goes to, a name of `api.writes.partitioners.PARTITIONERS`."""

    # database
    database_connect_timeout_s: float = Field(default=2.0, gt=0)
    """How long connecting to the database may take."""
    database_timeout_s: float = Field(default=5.0, gt=0)
    """How long one statement may take."""

    # lookups
    lookup_pool_size: int = Field(default=4, ge=1)
    """Database connections of the lookups."""
    memory_entries: int = Field(default=50_000, ge=1)
    """Records that the process's own cache holds."""
    memory_ttl_s: float = Field(default=30.0, gt=0)
    """How long the process's own cache keeps a record: the bound on staleness when an announcement is missed."""
    cache_ttl_s: float = Field(default=300.0, ge=1)
    """How long Valkey keeps a record."""
    ttl_jitter: float = Field(default=0.1, ge=0, lt=1)
    """Share by which each time to live is shortened at random, so that entries do not expire together."""
    negative_ttl_s: float = Field(default=1.0, ge=0, le=1)
    """How long "no such record" is believed."""
    cache_timeout_s: float = Field(default=0.1, gt=0)
    """How long an answer of Valkey is waited for."""
    cache_pause_s: float = Field(default=1.0, ge=0)
    """How long Valkey is left alone after a failure."""
    cache_connections: int = Field(default=16, ge=1)
    """Connections to Valkey."""
    http_max_age_s: int = Field(default=5, ge=0)
    """`max-age` of answers to GET: how long clients and HTTP caches may reuse them."""
    recommendations_ttl_s: float = Field(default=30.0, gt=0)
    """How old recommendations may be: half of it in Valkey, half of it in the process."""
    analytics_ttl_s: float = Field(default=5.0, gt=0)
    """As above, for the answers of analytics."""
    warm_entries: int = Field(default=1_000, ge=0)
    """Records of each entity that are in memory before the first request is answered; 0 leaves it cold."""

    # what it says of itself
    log_format: LogFormat = "text"
    """`json` writes a JSON object a line, for machines."""
    trace_share: float = Field(default=0.0, ge=0, le=1)
    """Share of requests without a `traceparent` that are traced, where OTEL_EXPORTER_OTLP_ENDPOINT is set; of others
    their caller decides."""
    metrics_host: str = "127.0.0.1"
    """Address on which `/metrics` is served."""
    metrics_port: int | None = Field(default=None, ge=0, le=65535)
    """Port of `/metrics`; 0 lets the system choose one, and without one there are no metrics."""
