"""The file of settings of Kafka that a stack is started with."""

from __future__ import annotations

from pathlib import Path

from seawall.experiments.errors import BadOptions
from seawall.stack import jvm
from seawall.tuning.errors import BadSettings
from seawall.tuning.kafka_settings import KafkaSettings, read_settings
from seawall.tuning.knob import Place
from seawall.tuning.rules import mistakes_of


def kafka_settings(path: Path | None, brokers: int) -> KafkaSettings:
    """Return what the file holds, nothing without one; raises `BadOptions` with every mistake in it."""
    if path is None:
        return KafkaSettings()
    try:
        found = read_settings(path)
    except BadSettings as error:
        raise BadOptions(error.mistakes) from None
    mistakes = mistakes_of(found, brokers=brokers)
    if not mistakes and (obstacle := jvm.obstacle(found.texts(Place.STACK), brokers)):
        mistakes = [obstacle]
    if mistakes:
        raise BadOptions([f"{path}: {mistake}" for mistake in mistakes])
    return found
