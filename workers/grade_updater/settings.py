"""Settings of the grade updater: environment variables with the prefix ``SEAWALL_``, or `.env`."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from contract.logs import LogFormat


class Settings(BaseSettings):
    """What the updater does; addresses of servers are in `contract.connections`."""

    model_config = SettingsConfigDict(env_prefix="SEAWALL_", env_file=".env", extra="ignore", frozen=True)

    fleet_grades_s: float = Field(default=600.0, gt=0)
    """From one batch to the next."""
    fleet_retry_s: float = Field(default=1.0, gt=0)
    """Pause after a batch that failed."""
    log_format: LogFormat = "text"
