"""When the offsets of what was read are committed to Kafka; each way is a name of `SEAWALL_SINK_OFFSET_COMMITS`.

All but `before-write` commit what is stored already, so a sink that is killed reads again what it had stored since its
last commit, and its rows are found there: at least once. `before-write` commits what it has read and goes on to write
it: at most once, and what lies between is lost. `database` keeps its offsets in the transaction of the rows, where
both are or neither is; what it commits to Kafka is for those who look at the lag.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from contract.journal import Span
from workers.sink.counts import SinkCounts
from workers.sink.offsets import Offsets, Pair, refused
from workers.sink.settings import Settings

log = logging.getLogger(__name__)

_ANSWERED_S = 3.0
_POLL_S = 0.002
_NEVER_S = float("inf")


@dataclass(frozen=True, kw_only=True)
class CommitRule:
    """What one way of committing does."""

    after_batches: int = 1
    """Commits when so many were stored, without waiting for the answer; 0 does not count them."""
    after_s: float = _NEVER_S
    """Commits when the last time is so long ago."""
    when_idle: bool = True
    """Commits the rest when there is nothing to read."""
    before_write: bool = False
    """Commits what is going to be written."""
    in_database: bool = False
    """Offsets are stored in the transaction of the rows, and looked up there."""
    configuration: Mapping[str, Any] = field(default_factory=dict)
    """The client's settings for it; one that commits by itself has to be told what is stored, and no more."""

    @property
    def automatic(self) -> bool:
        """Whether the client commits by itself."""
        return bool(self.configuration)


def rule_of(settings: Settings) -> CommitRule:
    """Return the rule that the settings name."""
    interval_ms = settings.sink_commit_interval_ms
    automatic = {"enable.auto.commit": True, "auto.commit.interval.ms": interval_ms}
    return {
        "batch": CommitRule(),
        "automatic": CommitRule(after_batches=0, configuration=automatic),
        "periodic": CommitRule(after_batches=0, after_s=interval_ms / 1000, when_idle=False),
        "1+N": CommitRule(after_batches=settings.sink_commit_batches),
        "database": CommitRule(in_database=True),
        "before-write": CommitRule(before_write=True),
    }[settings.sink_offset_commits]


class Committer:
    """Commits offsets by a rule; like the consumer, it belongs to one thread."""

    def __init__(self, rule: CommitRule, offsets: Offsets, counts: SinkCounts) -> None:
        self.rule = rule
        self._offsets, self._counts = offsets, counts
        self._consumer: Consumer
        self._batches = 0
        self._last_s = time.monotonic()

    def use(self, consumer: Consumer) -> None:
        """Commit by this *consumer*."""
        self._consumer = consumer

    def read(self, spans: Sequence[Span]) -> None:
        """Note that all of *spans* is going to be written."""
        if self.rule.before_write:
            self._offsets.stored(spans)
            self._commit()

    def stored(self, spans: Sequence[Span]) -> None:
        """Note that all of *spans* is stored, and commit if it is time."""
        self.note_stored(spans)
        self._batches += 1
        if self._batches == self.rule.after_batches or self._is_time():
            self._commit()

    def note_stored(self, spans: Sequence[Span]) -> None:
        """Note that all of *spans* is stored, and commit nothing."""
        if self.rule.automatic:
            last = self._offsets.following(spans)
            if last:
                self._consumer.store_offsets(offsets=last)
        elif not self.rule.before_write:
            self._offsets.stored(spans)

    def idle(self) -> None:
        """Commit what was left, and what failed to be committed before."""
        if self.rule.when_idle or self._is_time():
            self._commit()

    def end(self) -> None:
        """Commit all, and wait for a while until it is confirmed."""
        self._commit()
        due_s = time.monotonic() + _ANSWERED_S
        while self._offsets.unconfirmed() and time.monotonic() < due_s:
            self._consumer.poll(_POLL_S)

    def hand_over(self, partitions: Iterable[TopicPartition]) -> None:
        """Commit what is stored of *partitions*, which go to another member, and wait for the answer."""
        if last := self._offsets.unconfirmed(partitions):
            try:
                self._consumer.commit(offsets=last, asynchronous=False)
            except KafkaException as error:
                log.warning("offsets not committed: %s", error.args[0].str())

    def answered(self, error: KafkaError | None, partitions: list[TopicPartition]) -> None:
        """Take the answer to a commit; Kafka calls it from within poll(), consume() and close()."""
        if reason := refused(error, partitions):
            log.warning("offsets not committed: %s", reason)
            self._counts.refused_commits += 1
        if error is None:
            self._offsets.confirmed(partitions)

    def _is_time(self) -> bool:
        return time.monotonic() - self._last_s >= self.rule.after_s

    def _commit(self) -> None:
        """Commit what is to be committed, without waiting for the answer.

        A failure is no loss: the next commit goes past it, and what is read twice is absorbed.
        """
        self._batches, self._last_s = 0, time.monotonic()
        following = self._offsets.unconfirmed()
        # Where the session has timed out, librdkafka has dropped its member id before the loss is told, and a static
        # member that commits without one is fenced for good (as in KAFKA-14201).
        if following and self._consumer.memberid():
            # Not the blocking commit: that one waits without end for a coordinator that is away.
            self._consumer.commit(offsets=following, asynchronous=True)


def begin_at(partitions: Iterable[TopicPartition], known: Mapping[Pair, int]) -> list[TopicPartition]:
    """Return *partitions* with the offsets that are *known* of them; others begin where the group has committed."""
    return [
        TopicPartition(one.topic, one.partition, known.get((one.topic, one.partition), one.offset))
        for one in partitions
    ]
