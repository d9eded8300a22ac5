"""Ids that favour some partitions."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest

from contract.entities import ENTITIES
from contract.ids import Run
from seawall.load.key_skew import partition_of, zipf_shares
from seawall.load.payloads import entity_at
from seawall.load.run import LoadRun

RUN = Run(1_800_000_000_000, 9)


def drawn(skew: float, partitions: int, count: int, user: int = 3) -> tuple[list[int], Counter[int]]:
    """Return the first sequence numbers of one user, and how many of their keys fall on each partition."""
    load = LoadRun(seed=4, entity="mixed", rate_per_s=1, run=RUN, key_skew=skew, partitions=partitions)
    identity = load.identity_maker(user)
    sequences = list(itertools.islice(load.sequences(user, identity), count))
    numbers = [ENTITIES[entity_at(load.mix, user, sequence)].number for sequence in sequences]
    keys = (identity(sequence, number) for sequence, number in zip(sequences, numbers, strict=True))
    return sequences, Counter(partition_of(key, partitions) for key in keys)


@pytest.mark.parametrize(("skew", "partitions"), [(0.5, 3), (1.0, 3), (2.0, 12), (1.0, 1)])
def test_partitions_get_their_shares(skew: float, partitions: int) -> None:
    """Counts follow Zipf's law, and the first partition gets most."""
    count = 20_000
    sequences, found = drawn(skew, partitions, count)
    assert sequences == sorted(set(sequences))
    for partition, share in enumerate(zipf_shares(skew, partitions)):
        assert abs(found[partition] - share * count) < 5 * (share * count) ** 0.5 + 1


def test_without_a_skew_no_number_is_left_out() -> None:
    """Sequences count up from one, and keys are spread evenly as hashes are."""
    sequences, found = drawn(0.0, 3, 9_000)
    assert sequences == list(range(1, 9_001))
    assert min(found.values()) > 2_700


def test_the_same_seed_chooses_the_same_keys() -> None:
    """A run can be repeated."""
    assert drawn(1.0, 3, 500) == drawn(1.0, 3, 500)
    assert drawn(1.0, 3, 500)[0] != drawn(1.0, 3, 500, user=4)[0]
