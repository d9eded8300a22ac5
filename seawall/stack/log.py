"""The log as the stack needs it: its topics, how far they reach, and how far the sinks are."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.admin._listoffsets import OffsetSpec
from confluent_kafka.admin._resource import ResourceType

from contract.errors import NoTopics
from contract.group_offsets import GroupOffsets
from contract.make_topics import create_topics
from contract.topics import DEAD_LETTER_TOPIC, record_topics
from seawall.stack.errors import ServerFailed
from seawall.stack.log_tail import LogTail

_REQUEST_S = 10.0
_latest: Callable[[], OffsetSpec] = OffsetSpec.latest
_earliest: Callable[[], OffsetSpec] = OffsetSpec.earliest
_OFFSET_END = -1  # librdkafka's word for "up to the high watermark" in delete_records
_POLICY, _COMPACTED = "cleanup.policy", "compact"
_ELECTING = (KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE)
_TOPIC_SETTINGS = ("min.insync.replicas", "flush.messages", "flush.ms", "retention.ms", "cleanup.policy")


class Log:
    """An administrator's view of the cluster; keeps its connections open."""

    def __init__(self, settings: dict[str, Any], transactional: Callable[[], bool] = lambda: False) -> None:
        """*transactional* tells whether some of the log's offsets may be none of records."""
        self._transactional = transactional
        quick = {"reconnect.backoff.ms": 20, "reconnect.backoff.max.ms": 200, "log_level": 0}
        self._settings = {**quick, **settings}
        self._partitions: list[TopicPartition] = []
        self._group = GroupOffsets(self._settings)

    @cached_property
    def _admin(self) -> AdminClient:
        return AdminClient(self._settings)  # connects, and goes on trying, from now on

    @cached_property
    def _tail(self) -> LogTail:
        return LogTail(self._settings)

    def create_topics(self, *, partitions: int, replication: int, settings: Mapping[str, str] | None = None) -> None:
        """Create the topics that are not there yet; raises `ServerFailed`.

        On three brokers a write needs two; *replication* 0 leaves it to the cluster.
        """
        try:
            create_topics(self._admin, partitions=partitions, replication=replication, settings=settings)
        except NoTopics as error:
            raise ServerFailed(str(error)) from None

    def end_offsets(self) -> dict[tuple[str, int], int]:
        """Return the end offset of every partition of the record topics."""
        return self._offsets(self._record_partitions(), _latest())

    def lag(self) -> int:
        """Return how many records of the record topics the sinks have not committed yet."""
        return sum(self.lags().values())

    def lags(self) -> dict[tuple[str, int], int]:
        """Return the same for each partition of the record topics."""
        partitions = self._record_partitions()
        ends = self._offsets(partitions, _latest())
        committed = self._group.ask(partitions, _REQUEST_S)
        behind = [
            place
            for place in partitions
            if ends[place.topic, place.partition] > committed.get((place.topic, place.partition), 0)
        ]
        # What was deleted from the log is not waited for, wherever the group stood at that time.
        starts = self._offsets(behind, _earliest()) if behind else {}
        following = {place: max(committed.get(place, 0), start) for place, start in starts.items()}
        if self._transactional() and following:
            held = self._tail.held(following)
            following = {place: offset for place, offset in following.items() if place in held}
        return dict.fromkeys(ends, 0) | {place: max(0, ends[place] - offset) for place, offset in following.items()}

    def close(self) -> None:
        """Close the connections."""
        self._group.close()
        if "_tail" in self.__dict__:
            self.__dict__.pop("_tail").close()
        self.__dict__.pop("_admin", None)

    def truncate(self) -> None:
        """Delete all records of all topics; the topics stay, so no consumer has to find them again.

        Of topics that are only compacted Kafka deletes nothing: their policy is another one meanwhile.
        """
        try:
            self._truncate()
        except KafkaException as error:
            if error.args[0].code() != KafkaError.POLICY_VIOLATION:
                raise
            compacted = self._topics_with(_COMPACTED)
            self._have_policy(compacted, f"{_COMPACTED},delete")
            try:
                self._truncate()
            finally:
                self._have_policy(compacted, _COMPACTED)

    def _truncate(self) -> None:
        delete_records(self._admin, [*self._record_partitions(), TopicPartition(DEAD_LETTER_TOPIC, 0)])

    def _topics_with(self, policy: str) -> list[str]:
        """Return the topics of ours with that cleanup policy."""
        resources = [ConfigResource(ResourceType.TOPIC, name) for name in (*record_topics(), DEAD_LETTER_TOPIC)]
        described = self._admin.describe_configs(resources, request_timeout=_REQUEST_S)
        return [one.name for one, found in described.items() if found.result()[_POLICY].value == policy]

    def _have_policy(self, topics: list[str], policy: str) -> None:
        """Set the cleanup policy of *topics*, and return once the brokers report it."""
        change = ConfigEntry(_POLICY, policy, incremental_operation=AlterConfigOpType.SET)
        resources = [ConfigResource(ResourceType.TOPIC, name, incremental_configs=[change]) for name in topics]
        for future in self._admin.incremental_alter_configs(resources, request_timeout=_REQUEST_S).values():
            future.result()
        deadline = time.monotonic() + _REQUEST_S
        while not set(topics) <= set(self._topics_with(policy)) and time.monotonic() < deadline:
            time.sleep(0.02)

    def partitions(self) -> int:
        """Return how many partitions the record topics have together; they may not have them yet."""
        return len(self._record_partitions())

    def short_of_replicas(self) -> list[str]:
        """Return the partitions of ours that have no leader, or fewer replicas in sync than they should have."""
        topics = self._admin.list_topics(timeout=_REQUEST_S).topics
        return [
            f"{name}[{number}]"
            for name in (*record_topics(), DEAD_LETTER_TOPIC)
            if name in topics
            for number, partition in topics[name].partitions.items()
            if partition.leader < 0 or len(partition.isrs) < len(partition.replicas)
        ]

    def settings(self) -> dict[str, Any]:
        """Return brokers, and per topic partitions, replication and the settings that decide on durability."""
        metadata = self._admin.list_topics(timeout=_REQUEST_S)
        names = [*record_topics(), DEAD_LETTER_TOPIC]
        topics: dict[str, dict[str, Any]] = {}
        resources = [ConfigResource(ResourceType.TOPIC, name) for name in names]
        for resource, future in self._admin.describe_configs(resources, request_timeout=_REQUEST_S).items():
            topic = metadata.topics[resource.name]
            config = future.result()
            topics[resource.name] = {
                "partitions": len(topic.partitions),
                "replication_factor": min((len(part.replicas) for part in topic.partitions.values()), default=0),
                **{name: config[name].value for name in _TOPIC_SETTINGS if name in config},
            }
        return {"brokers": len(metadata.brokers), "cluster_id": metadata.cluster_id, "topics": topics}

    def _record_partitions(self) -> list[TopicPartition]:
        if not self._partitions:
            metadata = self._admin.list_topics(timeout=_REQUEST_S)
            self._partitions = [
                TopicPartition(name, partition)
                for name in record_topics()
                if name in metadata.topics
                for partition in metadata.topics[name].partitions
            ]
        return [TopicPartition(place.topic, place.partition) for place in self._partitions]

    def _offsets(self, places: list[TopicPartition], spec: OffsetSpec) -> dict[tuple[str, int], int]:
        deadline = time.monotonic() + _REQUEST_S
        while True:
            futures = self._admin.list_offsets(dict.fromkeys(places, spec), request_timeout=_REQUEST_S)
            try:
                return {(place.topic, place.partition): future.result().offset for place, future in futures.items()}
            except KafkaException:
                if time.monotonic() > deadline:
                    raise
            # A leader that was elected just now, or moved: this request does not look for it by itself.
            with contextlib.suppress(KafkaException):
                self._admin.list_topics(timeout=_REQUEST_S)
            time.sleep(0.02)


def delete_records(admin: AdminClient, places: Sequence[TopicPartition]) -> None:
    """Delete all records of the partitions at *places*; raises `KafkaException`."""
    marks = [TopicPartition(place.topic, place.partition, _OFFSET_END) for place in places]
    deadline = time.monotonic() + _REQUEST_S
    while True:
        try:
            for future in admin.delete_records(marks, request_timeout=_REQUEST_S).values():
                future.result()
        except KafkaException as error:
            if error.args[0].code() not in _ELECTING or time.monotonic() > deadline:
                raise
        else:
            return
        # A broker tells of a leader before that leader knows it itself; what was deleted twice is gone once.
        with contextlib.suppress(KafkaException):
            admin.list_topics(timeout=_REQUEST_S)
        time.sleep(0.02)
