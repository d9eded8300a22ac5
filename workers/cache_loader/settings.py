"""Settings of the cache loader: environment variables with the prefix ``SEAWALL_``, or `.env`."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from contract.logs import LogFormat


class Settings(BaseSettings):
    """What the loader does; addresses of servers are in `contract.connections`."""

    model_config = SettingsConfigDict(env_prefix="SEAWALL_", env_file=".env", extra="ignore", frozen=True)

    fleet_refresh_s: float = Field(default=50.0, gt=0)
    """Each entry is read anew so often; a half of them at a time, so the database is asked twice in this time."""
    fleet_retry_s: float = Field(default=1.0, gt=0)
    """Pause after a load that failed."""
    log_format: LogFormat = "text"
