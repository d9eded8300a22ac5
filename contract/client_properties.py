"""Properties of Kafka clients that users give: librdkafka's own word on them, before anything is started."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from confluent_kafka import KafkaException

from contract.errors import BadConnection


def refuse_bad_properties(
    make: Callable[[dict[str, Any]], object], configuration: Mapping[str, Any], properties: Mapping[str, Any], name: str
) -> None:
    """Raise `BadConnection` where librdkafka refuses *configuration*, of which *properties* came by the setting *name*.

    It is asked by making a client that has no broker to connect to; without *properties* it is not asked.
    """
    if not properties:
        return
    alone = {key: value for key, value in configuration.items() if key != "bootstrap.servers"}
    try:
        make({**alone, "log_level": 0})
    except (KafkaException, TypeError, ValueError) as error:
        said = error.args[0].str() if isinstance(error, KafkaException) else str(error)
        raise BadConnection(f"{name}: librdkafka says: {said.strip()}") from None
