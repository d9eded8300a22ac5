"""Locust users that write to Kafka, for services that take it and not HTTP.

::

    class Clicks(KafkaUser):
        topic = "clicks"

        @task
        def click(self):
            self.produce({"page": "/", "at": time.time()}, key=str(self.number))

Everything that `ScheduledUser` has holds here, too: the schedule, the recorder, the verdict. A record's response time
goes from its intended time to the broker's acknowledgement; a consumer in a process of its own tells when the record
could be read, which Locust shows in rows of the type E2E.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from locust.env import Environment
from locust.exception import StopTest

from contract.codecs import JsonCodec
from contract.entities import ENTITIES
from contract.ids import low_bits
from contract.topics import topic_of
from seawall.load.kafka.client import Headers, KafkaClient
from seawall.load.kafka.delivery import Delivery
from seawall.load.kafka.outlet import Outlet
from seawall.load.paced import PacedUser
from seawall.load.payloads import MIXES, content_index, write_at
from seawall.load.recorder import NO_RECORD

_TOPICS = {entity.number: topic_of(entity) for entity in ENTITIES.values()}
_HEADERS = [("codec", JsonCodec.name.encode())]


class KafkaUser(PacedUser):
    """A user whose records have intended times, and who waits for the broker's word on each.

    All users of a process share one producer and one consumer, so classes that run together agree in all that is set
    here but for topic, key, value, headers and `follow`.
    """

    abstract = True
    protocol = "kafka"
    topic: str = ""
    """Where its records go; it has to be there, none is created."""
    key: Any = None
    """The key of records for which `produce` is given none."""
    value: Any = None
    """The value of records for which `produce` is given none."""
    headers: Headers = ()
    """Sent with every record."""
    bootstrap_servers: str = ""
    """``host:port,host:port``; by default ``SEAWALL_KAFKA_BOOTSTRAP_SERVERS``, else those of the stack that is up."""
    connection: ClassVar[Mapping[str, Any]] = {}
    """librdkafka's settings to reach them, such as ``sasl.username``, in place of ``SEAWALL_KAFKA_*``."""
    acks: str | int = "all"
    """Whose word is waited for: of ``all`` replicas that are in sync, or of the leader (1)."""
    idempotence: bool = True
    """Whether brokers know what they have had already; needs ``acks = "all"``."""
    linger_ms: float = 5.0
    """How long the producer waits for more records of a partition."""
    compression: str = "none"
    """Of batches: ``none``, ``gzip``, ``snappy``, ``lz4`` or ``zstd``."""
    ack_timeout: float = 20.0
    """How long the producer tries, s; what is not acknowledged by then is unknown."""
    most_waiting: int = 100_000
    """Records that may wait in the producer; more are refused."""
    follow: bool = True
    """Whether a consumer looks when records can be read. It adds the header ``seawall-id`` to them."""
    client: KafkaClient

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        outlet = self.load.outlet
        if not isinstance(outlet, Outlet):
            raise StopTest(f"no record can be written to Kafka: {outlet or 'this run has no producer'}")
        self.client = KafkaClient(self, outlet)

    @classmethod
    def topics_of(cls, entity: str) -> tuple[str, ...]:  # noqa: ARG003 - of users that write the run's records
        """Return the topics that it may write to, where the run's entity is *entity*; override it for several."""
        return (cls.topic,)

    def produce(
        self,
        value: Any = None,
        key: Any = None,
        headers: Headers | None = None,
        name: str | None = None,
        *,
        topic: str | None = None,
        wait: bool = True,
    ) -> Delivery:
        """Send one record and return what became of it: `ok`, `status`, `error`, `ack_ms`.

        The first of a task is due at the user's next intended time, like any request. Bytes are sent as they are, text
        in UTF-8, all else as JSON; what is not given is the class's. *name* is what it is counted under, by default the
        topic. Without *wait* the user goes on at once, and the result fills in later; in a closed loop it always waits.
        Raises `ValueError` for a *topic* that the class does not name.
        """
        return self.client.produce(
            topic or self.topic,
            self.value if value is None else value,
            self.key if key is None else key,
            self.headers if headers is None else headers,
            name=name,
            wait=wait,
        )


class KafkaIngestUser(KafkaUser):
    """A user that writes records of the run's entity (``--entity``) as the service's API does, without the API.

    Ids, contents, keys, headers and topics are those that the `kafka` path would have given them, so the sinks store
    them and the audit follows them to their rows.
    """

    abstract = True
    linger_ms = 10.0  # as the API's

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self._identity = self.load.identity_maker(self.number)
        self._next_sequence = iter(self.load.sequences(self.number, self._identity)).__next__
        self._writes = self.load.writes["kafka"]

    @classmethod
    def topics_of(cls, entity: str) -> tuple[str, ...]:
        """Return the topics of the run's entities."""
        return tuple(topic_of(ENTITIES[name]) for name in sorted(set(MIXES[entity])))

    def write_record(self, *, wait: bool = True) -> Delivery:
        """Send the user's next record; see `produce`."""
        sequence = self._next_sequence()
        number, _, tails = write_at(self._writes, self.number, sequence)
        self.sequence, self.entity = sequence, number
        try:
            key = self._identity(sequence, number)
            value = b'{"id":"%b"%b' % (key, tails[content_index(self.number, sequence)])
            token = low_bits(sequence, self.number, number)
            return self.client.produce_record(_TOPICS[number], value, key, _HEADERS, token, wait=wait)
        finally:
            self.entity = NO_RECORD
