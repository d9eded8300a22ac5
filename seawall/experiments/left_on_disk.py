"""What a trial's records come to on the brokers' disks, once brokers have deleted and compacted what they may.

Brokers tidy up by the clock: as shipped, they look for old segments each five minutes and rest 15 s between two
cleanings. A sweep cannot wait so long, so its stack is started with `TIDY`: the same work, at shorter intervals. What
is left is then read from the segments' files. The newest segment is never compacted, and never deleted by size.
"""

from __future__ import annotations

import time
from typing import Any

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from seawall.audit.errors import AuditFailed
from seawall.experiments.draining import await_sinks
from seawall.result import DiskFigures, PartitionLeft
from seawall.stack.log_files import PartitionFiles
from seawall.stack.stack import Stack

TIDY: dict[str, bool | int | float | str] = {
    "log.retention.check.interval.ms": 1_000,
    "log.initial.task.delay.ms": 1_000,
    "log.cleaner.backoff.ms": 500,
}
"""Settings of brokers, which they take at their start only (but for the last)."""
REST_S = 4.0
"""What has stayed the same for so long is at rest: longer than a look of the brokers and the work that it leads to."""
AT_MOST_S = 45.0
ROLLS_S = 3.2
"""Between two times that records are written once more: a segment that is three seconds old (`segment.ms` beside the
knobs that act on closed ones) is closed by the next write. Closing one costs a flush, so it is not done more often."""
_POLL_S = 0.5
_TIMEOUT_S = 10.0

Pair = tuple[str, int]


class DiskLook:
    """Looks at what is left of each trial's records on one stack."""

    def __init__(self, stack: Stack, *, rewrites: int, drain_timeout_s: float) -> None:
        """*rewrites* is how many times each record is written once more, after the audit and before the look."""
        self._stack, self._rewrites, self._drain_timeout_s = stack, rewrites, drain_timeout_s
        self._firsts: dict[Pair, int] = {}

    def begin(self) -> None:
        """Note where the log ends: what comes from now on is the trial's. Raises `Unreachable`."""
        self._firsts = self._stack.log_ends()

    def figures(self) -> DiskFigures | None:
        """Write the trial's records once more, let sinks and brokers do what follows, and return what is left.

        None where the brokers are not ours, or nothing was written. Raises `NotDrained`, `AuditFailed` where the log
        cannot be read or written, `Unreachable`.
        """
        rewritten = 0
        if self._rewrites:
            rewritten = self._rewritten()
            await_sinks(self._stack, 3 * self._drain_timeout_s)
        ends = self._stack.log_ends()
        written = {pair: end - self._firsts[pair] for pair, end in ends.items() if end > self._firsts.get(pair, end)}
        if not written:
            return None
        begun_s = time.monotonic()
        left, at_rest = self._settled({pair: self._firsts[pair] for pair in written})
        if not left:
            return None
        partitions = {f"{topic}[{number}]": _together(left, (topic, number), written) for topic, number in written}
        parts = partitions.values()
        return DiskFigures(
            written=sum(part.written for part in parts),
            rewritten=rewritten,
            records=sum(part.records for part in parts),
            size_bytes=sum(part.size_bytes for part in parts),
            segments=sum(part.segments for part in parts),
            allocated_bytes=sum(files.allocated_bytes for broker in left.values() for files in broker.values()),
            at_rest=at_rest,
            settled_s=round(time.monotonic() - begun_s, 1),
            partitions=partitions,
        )

    def _settled(self, firsts: dict[Pair, int]) -> tuple[dict[str, dict[Pair, PartitionFiles]], bool]:
        """Return what lies there once it has stayed the same, or when the time is up, and which of the two it was."""
        found = self._stack.log_files(firsts)
        begun_s = same_s = time.monotonic()
        while found and (now_s := time.monotonic()) - same_s < REST_S:
            if now_s - begun_s > AT_MOST_S:
                return found, False
            time.sleep(_POLL_S)
            now = self._stack.log_files(firsts)
            if now != found:
                found, same_s = now, time.monotonic()
        return found, True

    def _rewritten(self) -> int:
        """Write each of the trial's records once more, as often as asked, and return how many those were.

        In the end comes one of each partition alone, which closes the file that holds the others.
        """
        settings: dict[str, Any] = {**self._stack.connections.kafka, "log_level": 0}
        records = self._records(settings)
        last = {one[:2]: one for one in records}
        rounds = [*[records] * self._rewrites, list(last.values())]
        producer = Producer({**settings, "linger.ms": 20, "enable.idempotence": True})
        for again in rounds:
            time.sleep(ROLLS_S)
            for topic, partition, key, value, headers in again:
                while True:
                    try:
                        producer.produce(topic, value, key, partition=partition, headers=headers)
                    except BufferError:
                        producer.poll(0.05)
                    else:
                        break
            if producer.flush(_TIMEOUT_S):
                raise AuditFailed("the records could not be written once more: the brokers do not answer")
        return sum(map(len, rounds))

    def _records(self, settings: dict[str, Any]) -> list[tuple[str, int, Any, Any, Any]]:
        """Return topic, partition, key, value and headers of all that the log still holds of the trial."""
        ends = self._stack.log_ends()
        unread = {pair for pair, end in ends.items() if end > self._firsts.get(pair, end)}
        consumer = Consumer(
            {
                **settings,
                "group.id": "seawall-left-on-disk",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "enable.partition.eof": True,
            }
        )
        found: list[tuple[str, int, Any, Any, Any]] = []
        try:
            consumer.assign([TopicPartition(*pair, self._firsts[pair]) for pair in unread])
            deadline_s = time.monotonic() + _TIMEOUT_S
            while unread:
                for message in consumer.consume(1_000, timeout=0.1):
                    topic, partition = message.topic(), message.partition()
                    assert topic is not None
                    assert partition is not None
                    deadline_s = time.monotonic() + _TIMEOUT_S
                    if message.error() is None:
                        found.append((topic, partition, message.key(), message.value(), message.headers()))
                    else:  # the end, since nobody writes now; any other error shows in the deadline
                        unread.discard((topic, partition))
                if time.monotonic() > deadline_s:
                    raise AuditFailed(f"the log could not be read within {_TIMEOUT_S:.0f} s")
        except KafkaException as error:
            raise AuditFailed(f"the log could not be read: {error.args[0].str()}") from None
        finally:
            consumer.close()
        return found


def _together(left: dict[str, dict[Pair, PartitionFiles]], pair: Pair, written: dict[Pair, int]) -> PartitionLeft:
    """Return what all replicas of a partition hold: their bytes, and the records of the fullest."""
    replicas = [broker[pair] for broker in left.values()]
    return PartitionLeft(
        written=written[pair],
        records=max(one.records for one in replicas),
        size_bytes=sum(one.size_bytes for one in replicas),
        segments=sum(one.segments for one in replicas),
    )
