"""Settings of the order producer: environment variables with the prefix ``SEAWALL_``, or `.env`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from contract.logs import LogFormat


class Settings(BaseSettings):
    """What the producer does; addresses of servers are in `contract.connections`."""

    model_config = SettingsConfigDict(env_prefix="SEAWALL_", env_file=".env", extra="ignore", frozen=True)

    producer_source: Literal["cache", "database"] = "cache"
    """Whom it asks for users and products; of the cache's misses it asks the database as well."""
    producer_buyers: int = Field(default=4, ge=1, le=256)
    """Orders that can be under way at once."""
    producer_rate_per_s: float = Field(default=50.0, gt=0)
    """Of all of them together."""
    producer_s: float = Field(default=60.0, gt=0)
    """How long orders are made."""
    producer_seed: int = 1
    producer_run_ms: int = Field(default=0, ge=0)
    producer_run_nonce: int = Field(default=0, ge=0, lt=4096)
    """The run whose ids are minted; 0 takes one of its own."""
    producer_journal: Path = Path(".seawall/orders.jsonl")
    """Where each order is noted."""
    api_key: str = ""
    log_format: LogFormat = "text"
