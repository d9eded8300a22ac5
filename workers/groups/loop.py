"""The loop of a consumer group's process, and the only code here that touches the Kafka consumer.

Order of events: the work takes records, keeps them, the journal is written, dead letters are acknowledged, offsets are
committed. A process that dies in between reads them again, which by the contract of `Work` changes nothing.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from contract.entities import ENTITIES
from contract.errors import InvalidRecord, RegistryUnavailable
from contract.journal import Commit, JournalWriter
from contract.registry import Registry
from contract.topics import topic_of
from workers.groups.settings import Settings
from workers.groups.work import NotNow, Refused, Taken, Work
from workers.sink.batches import DeadLetter, Decoder, lots_of, place_of, spans_of
from workers.sink.dead_letters import DeadLetterTopic, say

log = logging.getLogger(__name__)
ORDERS = ENTITIES["orders"]
TOPIC = topic_of(ORDERS)
READY = "ready"
"""Printed once the process reads its partitions."""
_REASON_CHARACTERS = 300
_KEPT_AT_MOST = 20_000
"""So many records are worked at before they are kept, whatever the time."""
_COMMITTED_S = 5.0
T = TypeVar("T")


class GroupFailed(Exception):
    """The consumer cannot go on; the process should end and be started again."""


class Group:
    """Reads the orders and has its work done until it is told to stop."""

    def __init__(
        self, connection: dict[str, Any], settings: Settings, work: Work, registry: Registry | None = None
    ) -> None:
        self._settings, self._work = settings, work
        self._decoder = Decoder({}, registry)
        self._dead_letters = DeadLetterTopic(connection)
        self._configuration = {
            "client.id": settings.group_name,
            "group.id": settings.group_name,
            "partition.assignment.strategy": "cooperative-sticky",
            "session.timeout.ms": 6_000,
            "heartbeat.interval.ms": 500,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "auto.offset.reset": "earliest",
            "enable.partition.eof": True,
            "fetch.wait.max.ms": 40,
            "queued.max.messages.kbytes": 8_192,
            "fetch.queue.backoff.ms": 10,
            "socket.timeout.ms": 5_000,
            "reconnect.backoff.max.ms": 1_000,
            "error_cb": lambda error: log.warning("kafka: %s", error.str()),
            **connection,
        }
        self._consumer: Consumer
        self._journal: JournalWriter
        self._assigned: set[int] = set()
        self._messages: list[Message] = []  # taken, and not kept yet
        self._letters: list[DeadLetter] = []
        self._kept_s = 0.0
        self._held: list[Message] = []
        self._committed: dict[int, int] = {}
        """Where an earlier process stood in each partition: what it buried before that is not buried again."""
        self._stopping = False

    def stop(self) -> None:
        """Ask the loop to end after the batch it is at; callable from a signal handler."""
        self._stopping = True

    def run(self) -> None:
        """Work until `stop`; raises `GroupFailed` where only a new process can go on."""
        path = self._settings.group_directory / f"{self._settings.group_name}.jsonl"
        self._journal = JournalWriter(path, os.getpid())
        self._consumer = Consumer(self._configuration)
        try:
            self._consumer.subscribe(
                [TOPIC], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
            )
            while not self._stopping:
                self._take(self._gather())
                if self._is_due():
                    self._keep()
            self._keep()
        finally:
            self._consumer.close()
            self._work.close()
            self._dead_letters.close()
            self._journal.close()

    def _gather(self) -> list[Message]:
        messages, self._held = self._held, []
        wait_s = self._settings.group_max_wait_ms / 1000
        messages += self._consumer.consume(self._settings.group_batch_size - len(messages), wait_s)
        return messages

    def _is_due(self) -> bool:
        if not self._messages:
            return False
        return len(self._messages) >= _KEPT_AT_MOST or time.monotonic() - self._kept_s >= self._work.every_s

    def _take(self, messages: Sequence[Message]) -> None:
        """Have the work take what came."""
        # what belongs to a partition that was taken away meanwhile is another's
        records = [one for one in messages if one.error() is None and one.partition() in self._assigned]
        ended = list(self._ended(messages)) if len(records) < len(messages) else []
        if records:
            if self._settings.group_delay_ms:
                time.sleep(self._settings.group_delay_ms / 1000)
            pairs = self._wait_out(lambda: list(self._decoded(records)))
            if pairs is None or not self._work_at(pairs):
                return
            self._messages += records
        for number in ended:
            self._work.ended(number)

    def _ended(self, messages: Iterable[Message]) -> Iterator[int]:
        """Yield the partitions that hold no more; raises `GroupFailed` for an error that only a new process heals."""
        for message in messages:
            error, number = message.error(), message.partition()
            if error is None:
                continue
            if error.fatal():
                raise GroupFailed(error.str())
            if error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 - the binding's name for it
                log.warning("kafka: %s", error.str())
            elif number is not None:
                yield number

    def _decoded(self, messages: Iterable[Message]) -> Iterable[tuple[Message, Taken]]:
        """Yield the records; what is none becomes a dead letter of this group."""
        for message in messages:
            place = place_of(message)
            try:
                record = self._decoder.decode(ORDERS, message)
            except InvalidRecord as error:
                self._bury(message, str(error))
            else:
                yield message, Taken(record, place.partition, place.offset)

    def _work_at(self, pairs: Sequence[tuple[Message, Taken]]) -> bool:
        """Have them taken, in halves where they are refused; False where the process is stopped before that."""
        if not pairs:
            return True
        try:
            return self._wait_out(lambda: self._taken([taken for _, taken in pairs])) is not None
        except Exception as error:  # noqa: BLE001 - whatever the work stumbles over, the records behind it are not lost
            if len(pairs) == 1:
                said = str(error) if isinstance(error, Refused) else f"{type(error).__name__}: {error}"
                self._bury(pairs[0][0], said)
                return True
            half = len(pairs) // 2
            return self._work_at(pairs[:half]) and self._work_at(pairs[half:])

    def _taken(self, records: Sequence[Taken]) -> bool:
        self._work.take(records)
        return True

    def _bury(self, message: Message, reason: str) -> None:
        said = f"{self._settings.group_name}: {reason}"[:_REASON_CHARACTERS]
        letter = DeadLetter(message, said)
        if all(letter.place != other.place for other in self._letters):
            self._letters.append(letter)

    def _keep(self) -> None:
        """Have the work keep what it took, and commit."""
        if not self._messages:
            return
        if self._wait_out(self._kept) is None:
            return
        spans = spans_of(lots_of(self._messages))
        places = {place_of(message) for message in self._messages} if self._letters else set()
        letters = [letter for letter in self._letters if letter.place in places]
        self._letters = []
        self._journal.commit(Commit(time.monotonic_ns(), spans, len(self._messages) - len(letters), 0, len(letters)))
        left = [letter for letter in letters if letter.place.offset >= self._committed.get(letter.place.partition, 0)]
        if left:
            say(left)
            while left := self._dead_letters.publish(left):
                log.warning("dead letters: %d are not acknowledged yet", len(left))
        self._messages = []
        self._kept_s = time.monotonic()
        self._commit([TopicPartition(span.topic, span.partition, span.last + 1) for span in spans])

    def _kept(self) -> bool:
        self._work.keep()
        return True

    def _commit(self, offsets: list[TopicPartition]) -> None:
        mine = {place.partition: place for place in offsets if place.partition in self._assigned}
        if mine:
            try:
                self._consumer.commit(offsets=list(mine.values()), asynchronous=True)
            except KafkaException as error:
                log.warning("offsets not committed: %s", error.args[0].str())

    def _wait_out(self, work: Callable[[], T]) -> T | None:
        """Return the result of *work*, tried until what it needs is there; None where the process is stopped first."""
        paused = False
        try:
            while True:
                try:
                    return work()
                except (NotNow, RegistryUnavailable) as error:
                    log.warning("%s; again in %.1f s", error, self._settings.group_retry_s)
                if not paused:
                    self._consumer.pause(self._consumer.assignment())
                    paused = True
                due_s = time.monotonic() + self._settings.group_retry_s
                while (left_s := due_s - time.monotonic()) > 0:
                    if self._stopping:
                        return None
                    message = self._consumer.poll(min(left_s, 0.1))
                    if message is not None:
                        self._held.append(message)
        finally:
            if paused:
                self._consumer.resume(self._consumer.assignment())

    # Kafka calls the three below from within consume(), poll() and close().

    def _on_assign(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        if self._work.from_the_beginning:
            found = self._consumer.committed(partitions, timeout=_COMMITTED_S)
            self._committed |= {place.partition: place.offset for place in found if place.offset >= 0}
            for place in partitions:
                place.offset = OFFSET_BEGINNING
        self._consumer.incremental_assign(partitions)
        numbers = [place.partition for place in partitions]
        self._assigned.update(numbers)
        self._work.assigned(numbers)
        log.info("assigned %s", numbers)
        print(READY, flush=True)

    def _on_revoke(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        if not self._stopping:
            self._keep()
        self._forget(partitions)

    def _on_lost(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        self._forget(partitions)

    def _forget(self, partitions: list[TopicPartition]) -> None:
        numbers = {place.partition for place in partitions}
        self._assigned -= numbers
        self._work.revoked(numbers)
        self._held = [message for message in self._held if message.partition() not in numbers]
        log.info("revoked %s", sorted(numbers))
