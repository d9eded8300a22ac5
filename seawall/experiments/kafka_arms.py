"""Arms of the path `kafka` that differ in their settings alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from contract.connections import Connections
from seawall.experiments.arms import ArmPlan
from seawall.stack.server_settings import ServerSettings
from seawall.tuning.kafka_settings import KafkaSettings
from seawall.tuning.knob import Knob, Place, as_text


def kafka_arm(name: str, settings: KafkaSettings) -> ArmPlan:
    """Return the arm of that name with these settings."""
    wanted = ServerSettings(
        topics=settings.texts(Place.TOPIC), brokers=settings.texts(Place.BROKER), variables=settings.variables()
    )
    acks = as_text(settings.producer.get("acks", "all"))
    return ArmPlan(name=name, path="kafka", settings=wanted, acks="all" if acks == "-1" else acks)


def not_ours(option: str, given: Connections, knobs: Iterable[Knob]) -> Iterator[str]:
    """Yield which of *knobs* cannot be turned on the servers that the settings name, and what to do about it."""
    if given.api_url:
        yield f"{option}: the service has to be ours to be started with other settings: unset SEAWALL_API_URL"
    for knob in knobs:
        if given.kafka_bootstrap_servers and knob.place in (Place.TOPIC, Place.BROKER, Place.STACK):
            yield (
                f"{option}: {knob.name} is a setting of a Kafka that is not ours: unset SEAWALL_KAFKA_BOOTSTRAP_SERVERS"
            )
