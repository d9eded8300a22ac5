"""Settings of the model's service: environment variables with the prefix ``SEAWALL_``, or `.env`."""

from __future__ import annotations

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from contract.logs import LogFormat


class Settings(BaseSettings):
    """Where the service listens, and what is simulated; without the latter it answers at once and always."""

    model_config = SettingsConfigDict(
        env_prefix="SEAWALL_", env_file=".env", extra="ignore", frozen=True, protected_namespaces=()
    )

    model_host: str = "127.0.0.1"
    model_port: int = Field(default=8_090, ge=0, le=65_535)
    model_api_key: SecretStr = SecretStr("")
    """Calls need it as their bearer token, where it is set."""
    model_simulated_latency_ms: float = Field(default=0.0, ge=0, le=600_000)
    """Each call takes so long, as a large model's does."""
    model_simulated_ms_per_review: float = Field(default=0.0, ge=0, le=60_000)
    """And so much longer for each of its reviews."""
    model_simulated_calls_per_s: float = Field(default=0.0, ge=0, le=100_000)
    """More calls are answered with 429 and Retry-After; 0 has no limit."""
    model_simulated_burst: int = Field(default=1, ge=1, le=10_000)
    """So many calls at once are within the limit."""
    model_simulated_errors: float = Field(default=0.0, ge=0, le=1)
    """Share of calls that are answered with 500."""
    model_simulated_nonsense: float = Field(default=0.0, ge=0, le=1)
    """Share of calls whose answer is no JSON."""
    model_simulated_halves: float = Field(default=0.0, ge=0, le=1)
    """Share of calls whose answer leaves out every second review."""
    model_simulated_mute: float = Field(default=0.0, ge=0, le=1)
    """Share of texts about which the model never says anything."""
    model_simulated_seed: int = 1
    """Which calls and texts those are."""
    log_format: LogFormat = "text"
    """`json` writes a JSON object a line, for machines."""
