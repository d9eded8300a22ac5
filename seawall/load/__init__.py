"""The Locust side: users that keep a schedule, their payloads, and the recorder of every request.

What a locustfile needs is here::

    from seawall.load import IngestUser, KafkaIngestUser, KafkaUser, ScheduledUser
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seawall.load.kafka.users import KafkaIngestUser, KafkaUser
    from seawall.load.users import IngestUser, ScheduledUser

__all__ = ["IngestUser", "KafkaIngestUser", "KafkaUser", "ScheduledUser"]


def __getattr__(name: str) -> Any:
    """Import the users when they are asked for.

    Locust patches the standard library as soon as it is imported, and the processes that only need this package's
    payloads or messages (an experiment, an audit) must not be patched.
    """
    if name in __all__:
        module = "seawall.load.kafka.users" if name.startswith("Kafka") else "seawall.load.users"
        return getattr(importlib.import_module(module), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
