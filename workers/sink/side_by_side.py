"""Writes a batch over several connections at once, each a part of it that is a transaction of its own.

A partition's records are all in one part, and a batch is stored whole before the next begins: so rows of a partition
appear in the order of the log, as over one connection. The server works at all parts at the same time; the sink waits
for one after the other, which takes as long as the slowest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from workers.sink.batches import Batch, DeadLetter, Rows
from workers.sink.database import BatchWriter, Outcome


class SideBySide:
    """As many writers as there are connections."""

    def __init__(self, writers: Sequence[BatchWriter]) -> None:
        self._writers = tuple(writers)
        self.errors = writers[0].errors
        self._batch: Batch | None = None
        self._parts: list[Batch] = []
        self._stored: dict[int, Outcome] = {}
        """Of the parts that are stored, by their place: a batch that is tried again begins with the others."""

    def begin(self, batch: Batch) -> None:
        """Send as much of each part as is possible without waiting; `write` has to come next."""
        self._take(batch)
        for number, part in enumerate(self._parts):
            if number not in self._stored:
                self._writers[number].begin(part)

    def write(self, batch: Batch) -> Outcome:
        """Commit all parts of *batch*; raises `errors` where one has to be tried again, and `Fenced`."""
        self.begin(batch)
        for number, part in enumerate(self._parts):
            if number not in self._stored:
                self._stored[number] = write_all_that_can_be(self._writers[number], part)
        outcomes, self._batch = list(self._stored.values()), None
        return Outcome(
            sum(one.stored for one in outcomes),
            sum(one.duplicates for one in outcomes),
            [letter for one in outcomes for letter in one.letters],
            tuple(part.size + len(part.letters) for part in self._parts),
        )

    def refusal(self, error: Exception) -> str:
        """Return why the database refuses the values themselves; empty where it does not."""
        return self._writers[0].refusal(error)

    def close(self) -> None:
        """Close all connections."""
        for writer in self._writers:
            writer.close()

    def _take(self, batch: Batch) -> None:
        if self._batch is not batch:
            self._batch, self._parts, self._stored = batch, parts_of(batch, len(self._writers)), {}


def write_all_that_can_be(writer: BatchWriter, batch: Batch) -> Outcome:
    """Commit *batch* in one transaction, or, where the database refuses a record, in as few as possible.

    What is refused becomes a dead letter. Raises its `errors` where it has to be tried again, and `Fenced`.
    """
    try:
        return writer.write(batch)
    except writer.errors as error:
        reason = writer.refusal(error)
        if not reason:
            raise
        if batch.size > 1:
            first, second = (write_all_that_can_be(writer, half) for half in batch.halves())
            writer.write(Batch([], [], [], batch.ends))
            return Outcome(
                first.stored + second.stored, first.duplicates + second.duplicates, [*first.letters, *second.letters]
            )
        ((_, _, (message,)),) = batch.tables
        letters = [*batch.letters, DeadLetter(message, reason)]
        return write_all_that_can_be(writer, batch._replace(tables=[], letters=letters))


def parts_of(batch: Batch, most: int) -> list[Batch]:
    """Return *batch* in at most so many parts of about the same size; no two hold records of the same partition."""
    sizes: Counter[tuple[str, int]] = Counter()
    for span in batch.spans:
        sizes[span.topic, span.partition] += span.last - span.first + 1
    count = min(most, len(sizes))
    if count <= 1:
        return [batch]
    part_of, loads = {}, [0] * count
    for pair, size in sorted(sizes.items(), key=lambda one: (-one[1], one[0])):
        number = loads.index(min(loads))
        part_of[pair] = number
        loads[number] += size
    return [_part(batch, {pair for pair, at in part_of.items() if at == number}) for number in range(count)]


def _part(batch: Batch, pairs: set[tuple[str, int]]) -> Batch:
    """Return what *batch* holds of these topics and partitions."""
    tables = []
    for entity, rows, messages in batch.tables:
        chosen = [
            (row, message)
            for row, message in zip(rows, messages, strict=True)
            if (message.topic(), message.partition()) in pairs
        ]
        if chosen:
            tables.append(Rows(entity, [row for row, _ in chosen], [message for _, message in chosen]))
    return Batch(
        tables,
        [letter for letter in batch.letters if letter.place[:2] in pairs],
        [span for span in batch.spans if (span.topic, span.partition) in pairs],
        [span for span in batch.ends if (span.topic, span.partition) in pairs],
    )
