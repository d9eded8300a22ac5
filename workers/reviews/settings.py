"""Settings of the reviews' worker: environment variables with the prefix ``SEAWALL_``, or `.env`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from contract.logs import LogFormat
from contract.reviews import GROUP, Shape

Mode = Literal["batch", "single", "job"]


class Settings(BaseSettings):
    """What one process does; addresses of database and log are in `contract.connections`."""

    model_config = SettingsConfigDict(env_prefix="SEAWALL_", env_file=".env", extra="ignore", frozen=True)

    reviews_model_url: str = Field(pattern="^https?://[^/]+.*$")
    """Base of an OpenAI-compatible API, which usually ends with ``/v1``."""
    reviews_model_name: str = Field(default="seawall-lexicons", min_length=1, max_length=200)
    """Which of its models is asked."""
    reviews_model_key: SecretStr = SecretStr("")
    """Goes along as the bearer token, where it is set."""
    reviews_group: str = Field(default=GROUP, pattern="^[A-Za-z0-9._-]{1,100}$")
    """Name of the consumer group."""
    reviews_shape: Shape = "record"
    """Whether a message holds one review or all of a job."""
    reviews_mode: Mode = "batch"
    """What is asked about in one call: what came first, one review, or the reviews of one job."""
    reviews_batch_size: int = Field(default=20, ge=1, le=1_000)
    """`batch` asks about so many at once."""
    reviews_job_size: int = Field(default=200, ge=1, le=1_000)
    """`job` asks about so many of a job at once at most."""
    reviews_batch_wait_s: float = Field(default=10.0, ge=0.01, le=3_600)
    """No batch waits longer from its first review on."""
    reviews_in_flight: int = Field(default=8, ge=1, le=256)
    """So many calls are under way side by side."""
    reviews_timeout_s: float = Field(default=60.0, gt=0, le=3_600)
    """Longest wait for an answer."""
    reviews_attempts: int = Field(default=5, ge=1, le=100)
    """A review about which the model, asked so often, said nothing of use becomes a dead letter."""
    reviews_backoff_s: float = Field(default=0.2, gt=0, le=60)
    """Pause before the second attempt; each further one is twice as long, up to `reviews_backoff_most_s`."""
    reviews_backoff_most_s: float = Field(default=10.0, gt=0, le=600)
    reviews_breaker_failures: int = Field(default=5, ge=1, le=1_000)
    """After so many failed calls in a row nobody calls for a while, then one alone tries."""
    reviews_breaker_s: float = Field(default=2.0, gt=0, le=600)
    """How long that while is."""
    reviews_farewell_s: float = Field(default=5.0, ge=0, le=600)
    """At the end calls that are under way are waited for so long."""
    log_format: LogFormat = "text"
    """`json` writes a JSON object a line, for machines."""

    @property
    def size(self) -> int:
        """The most reviews of a call."""
        return {"batch": self.reviews_batch_size, "single": 1, "job": self.reviews_job_size}[self.reviews_mode]

    @property
    def most_unwritten(self) -> int:
        """With so many reviews read and not written, no more are read."""
        return max(2 * self.reviews_in_flight * self.size, 200)
