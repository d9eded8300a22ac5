"""Which partitions are this sink's, and which of its offsets nobody has confirmed yet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from confluent_kafka import KafkaError, TopicPartition

from contract.journal import Span

Pair = tuple[str, int]
"""Topic and partition."""


class Offsets:
    """What is to be committed: the offset behind the last stored record of each partition that is ours."""

    def __init__(self) -> None:
        self.assigned: set[Pair] = set()
        self._unconfirmed: dict[Pair, int] = {}

    def assign(self, partitions: Iterable[TopicPartition]) -> None:
        """Take *partitions* as ours."""
        self.assigned |= pairs_of(partitions)

    def forget(self, partitions: Iterable[TopicPartition]) -> None:
        """Give *partitions* up, with what is not confirmed of them."""
        for pair in pairs_of(partitions):
            self.assigned.discard(pair)
            self._unconfirmed.pop(pair, None)

    def stored(self, spans: Sequence[Span]) -> None:
        """Note that all of *spans*, sorted, is stored; what is not ours any more is left out."""
        for one in self.following(spans):
            self._unconfirmed[one.topic, one.partition] = one.offset

    def following(self, spans: Sequence[Span]) -> list[TopicPartition]:
        """Return the offset behind *spans*, sorted, for each partition that is ours."""
        behind = {(span.topic, span.partition): span.last + 1 for span in spans}
        return [TopicPartition(*pair, offset) for pair, offset in behind.items() if pair in self.assigned]

    def confirmed(self, partitions: Iterable[TopicPartition]) -> None:
        """Note the answer to a commit; one that was overtaken by a later commit, or refused, confirms nothing."""
        for one in partitions:
            if one.error is None and self._unconfirmed.get((one.topic, one.partition)) == one.offset:
                del self._unconfirmed[one.topic, one.partition]

    def unconfirmed(self, partitions: Iterable[TopicPartition] | None = None) -> list[TopicPartition]:
        """Return what has to be committed, of *partitions* or of all."""
        wanted = self._unconfirmed if partitions is None else pairs_of(partitions)
        return [TopicPartition(*pair, offset) for pair, offset in self._unconfirmed.items() if pair in wanted]


def pairs_of(partitions: Iterable[TopicPartition]) -> set[Pair]:
    """Return topic and partition of each."""
    return {(one.topic, one.partition) for one in partitions}


def in_words(partitions: Iterable[TopicPartition]) -> str:
    """Return the names of *partitions* for a log."""
    return ", ".join(f"{one.topic}[{one.partition}]" for one in partitions) or "nothing"


def refused(error: KafkaError | None, partitions: Iterable[TopicPartition]) -> str:
    """Return why a commit failed; nothing where it did not."""
    errors = [error, *(one.error for one in partitions)]
    return next((one.str() for one in errors if one is not None), "")
