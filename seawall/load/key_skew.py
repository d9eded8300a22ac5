"""Chooses ids such that some partitions of Kafka's topics get more records than others.

Keys are the records' ids, each of its own, so the skew is made by leaving sequence numbers out.
"""

from __future__ import annotations

import itertools
import random
import zlib
from bisect import bisect
from collections.abc import Callable, Iterator

Identity = Callable[[int, int], bytes]
"""From sequence and entity number to the text of the id."""


def partition_of(key: bytes, partitions: int) -> int:
    """Return where librdkafka's default partitioner (``consistent_random``) puts a record with this *key*."""
    return zlib.crc32(key) % partitions


def zipf_shares(skew: float, partitions: int) -> list[float]:
    """Return the share of each partition: proportional to ``1 / (number + 1) ** skew``."""
    weights = [(number + 1) ** -skew for number in range(partitions)]
    return [weight / sum(weights) for weight in weights]


def skewed_sequences(
    identity: Identity, entity_number: Callable[[int], int], skew: float, partitions: int, seed: str
) -> Iterator[int]:
    """Yield sequence numbers, rising and with gaps, whose ids fall on partitions by a Zipf distribution.

    *entity_number* says which entity the record with a sequence number is.
    """
    draw = random.Random(seed).random
    bounds = list(itertools.accumulate(zipf_shares(skew, partitions)))[:-1]
    sequence = 0
    while True:
        wanted = bisect(bounds, draw())
        sequence += 1
        while partition_of(identity(sequence, entity_number(sequence)), partitions) != wanted:
            sequence += 1
        yield sequence
