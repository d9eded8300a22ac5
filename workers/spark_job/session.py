"""Spark itself: its session, where it reads and writes, and whether its master can be reached."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any

from pyspark.sql import SparkSession

from contract.reviews import RECORD, TOPICS
from workers.spark_job.errors import NoMaster
from workers.spark_job.pipeline import deduplicate, features, read
from workers.spark_job.settings import LIST, Settings

_HOST = "127.0.0.1"
_REACHED_S = 5.0
_STANDALONE = "spark://"
_JAVA = {
    "bootstrap.servers": "bootstrap.servers",
    "security.protocol": "security.protocol",
    "sasl.mechanism": "sasl.mechanism",
    "ssl.ca.location": "ssl.truststore.location",
}


def start(settings: Settings) -> SparkSession:
    """Start Spark; raises `NoMaster` where nothing listens at a standalone master's address.

    Spark itself would try for a minute, and then end without a word of where.
    """
    if settings.spark_master.startswith(_STANDALONE):
        _reach(settings.spark_master)
    builder = SparkSession.builder.appName("seawall-review-features")
    for name, value in _configuration(settings).items():
        builder = builder.config(name, value)
    session: SparkSession = builder.getOrCreate()
    session.sparkContext.setLogLevel("WARN")
    return session


def _configuration(settings: Settings) -> dict[str, str]:
    found = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": str(settings.spark_partitions),
        "spark.sql.mapKeyDedupPolicy": "LAST_WIN",
    }
    if settings.spark_master:
        found |= {"spark.master": settings.spark_master, "spark.driver.memory": settings.spark_driver_memory}
    if settings.spark_master.startswith("local"):
        found |= {"spark.driver.bindAddress": _HOST, "spark.driver.host": _HOST}
    if settings.spark_jars:
        found["spark.jars"] = settings.spark_jars
    if settings.spark_local_dir:
        found["spark.local.dir"] = settings.spark_local_dir
    return found


def _reach(master: str) -> None:
    for address in master.removeprefix(_STANDALONE).split(","):
        host, _, port = address.rpartition(":")
        try:
            socket.create_connection((host, int(port)), timeout=_REACHED_S).close()
        except (OSError, ValueError) as error:
            reason = error
        else:
            return
    raise NoMaster(f"no Spark master answers at {master} ({reason}); start it, or correct SEAWALL_SPARK_MASTER")


def kafka_options(kafka: Mapping[str, Any]) -> dict[str, str]:
    """Return the settings of librdkafka as those of Java's clients, as the connector wants them."""
    found = {f"kafka.{_JAVA[name]}": str(value) for name, value in kafka.items() if name in _JAVA and value}
    if "kafka.ssl.truststore.location" in found:
        found["kafka.ssl.truststore.type"] = "PEM"
    if kafka.get("sasl.username"):
        module = "plain.PlainLoginModule" if kafka.get("sasl.mechanism") == "PLAIN" else "scram.ScramLoginModule"
        user, password = (_quoted(str(kafka.get(name) or "")) for name in ("sasl.username", "sasl.password"))
        found["kafka.sasl.jaas.config"] = (
            f"org.apache.kafka.common.security.{module} required username={user} password={password};"
        )
    return found


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def begin(session: SparkSession, settings: Settings, kafka: Mapping[str, Any]) -> Any:
    """Start the query and return it; it goes on where its checkpoint says, or else at the log's beginning."""
    options = kafka_options(kafka)
    messages = (
        session.readStream.format("kafka")
        .options(**options)
        .option("subscribe", TOPICS[RECORD])
        .option("startingOffsets", "earliest")
        .load()
    )
    found = features(deduplicate(read(messages, settings), settings))
    return (
        found.writeStream.format("kafka")
        .options(**options)
        .option("topic", settings.spark_topic)
        .option("kafka.batch.size", settings.spark_batch_bytes)
        .option("kafka.linger.ms", settings.spark_linger_ms)
        .option("kafka.compression.type", settings.spark_compression)
        .option("checkpointLocation", settings.spark_checkpoint)
        .outputMode("update" if settings.spark_mode == LIST else "append")
        .trigger(processingTime=f"{settings.spark_trigger_ms} milliseconds")
        .start()
    )
