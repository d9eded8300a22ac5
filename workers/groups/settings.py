"""Settings of one consumer group: environment variables with the prefix ``SEAWALL_``, or `.env`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from contract.logs import LogFormat

Kind = Literal["analytics", "notification", "search", "archive"]


class Settings(BaseSettings):
    """What one process of a group does; addresses of servers are in `contract.connections`."""

    model_config = SettingsConfigDict(env_prefix="SEAWALL_", env_file=".env", extra="ignore", frozen=True)

    group_kind: Kind
    """Its kind of work."""
    group_name: str = Field(pattern="^[A-Za-z0-9._-]{1,100}$")
    """Name of the consumer group, of its journal, and of what it publishes."""
    group_queue_table: str = Field(default="", pattern="^[a-z0-9_]{0,60}$")
    """A table from which the group takes its records in place of the log; empty reads the log."""
    group_directory: Path = Path(".seawall/groups")
    """Where the journal is written, and what the work keeps in files."""
    group_batch_size: int = Field(default=2_000, ge=1, le=50_000)
    """Largest batch."""
    group_max_wait_ms: float = Field(default=40.0, ge=1, le=150)
    """Longest time until what has come is worked at."""
    group_delay_ms: float = Field(default=0.0, ge=0, le=60_000)
    """By so much each batch takes longer: it models a group that is slow."""
    group_retry_s: float = Field(default=0.2, gt=0)
    """Pause before what failed for now is tried again."""
    group_notify_url: str = Field(default="", pattern="^(https?://.+)?$")
    """`notification`: where orders are told."""
    group_archive_every_s: float = Field(default=2.0, ge=0, le=3_600)
    """`archive` writes its files so often; until then nothing of it counts as done."""
    group_refresh_ms: float = Field(default=250.0, ge=10, le=60_000)
    """`analytics` publishes what changed so often."""
    group_window_s: float = Field(default=5.0, gt=0, le=86_400)
    """`analytics`: how long a window is."""
    group_lateness_s: float = Field(default=2.0, ge=0, le=86_400)
    """`analytics`: how long a window waits for late records once it has ended."""
    group_remember_s: float = Field(default=600.0, ge=0, le=7 * 86_400)
    """`analytics`: how long the ids of a closed window are known, so that a repeat is told from a late record."""
    group_idle_s: float = Field(default=5.0, ge=0)
    """`analytics`: a partition without records holds no window open once it has been quiet for so long."""
    log_format: LogFormat = "text"
    """`json` writes a JSON object a line, for machines."""
