"""Settings of the Spark job: environment variables with the prefix ``SEAWALL_``, or `.env`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from contract.features import TOPIC

RECORD, LIST = "record", "list"
NEEDED, ALL = "needed", "all"


class Settings(BaseSettings):
    """What one job does; addresses of the log are in `contract.connections`."""

    model_config = SettingsConfigDict(env_prefix="SEAWALL_", env_file=".env", extra="ignore", frozen=True)

    spark_master: str = Field(default="local[*]", max_length=500)
    """Where it runs; empty where `spark-submit` says it."""
    spark_jars: str = ""
    """Paths of the Kafka connector's jars, with commas; empty where `spark-submit` brings them."""
    spark_local_dir: str = ""
    """Where Spark keeps what it shuffles; empty leaves that to Spark."""
    spark_driver_memory: str = Field(default="1g", pattern="^[1-9][0-9]*[mg]$")
    """The heap of the driver, which with `local[*]` is the only process there is."""
    spark_partitions: int = Field(default=2, ge=1, le=1_000)
    """Into so many parts state is divided; a checkpoint keeps its number."""
    spark_checkpoint: str = Field(min_length=1)
    """A directory that all executors reach: offsets and state, from which a job that died goes on."""
    spark_topic: str = Field(default=TOPIC, pattern="^[A-Za-z0-9._-]{1,249}$")
    """Where features go."""
    spark_mode: Literal["record", "list"] = "record"
    """Each review on its own, or the list of all reviews of a job and hour, made anew whenever one comes."""
    spark_columns: Literal["needed", "all"] = "needed"
    """Whether what no feature needs is carried along."""
    spark_watermark: str = Field(default="1 hour", pattern="^[1-9][0-9]* (second|minute|hour|day)s?$")
    """State is kept for so long behind the latest review; what is older when it comes is dropped."""
    spark_trigger_ms: int = Field(default=1_000, ge=0, le=3_600_000)
    """A micro-batch begins so often; 0 when the one before has ended."""
    spark_batch_bytes: int = Field(default=16_384, ge=0, le=1 << 24)
    """`batch.size` of the producers."""
    spark_linger_ms: int = Field(default=10, ge=0, le=60_000)
    """Their `linger.ms`."""
    spark_compression: Literal["none", "gzip", "snappy", "lz4", "zstd"] = "none"
    """Their `compression.type`."""
