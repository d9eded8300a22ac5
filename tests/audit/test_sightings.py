"""What the independent reader saw, held against what others say."""

import numpy as np
from small_logs import RUN, identity, lows

from contract.ids import Run
from seawall.audit.ledger import NEVER
from seawall.audit.sightings import Sightings, contradicted, contradictions, reader_visible_delay

LOW = lows((1, 1), (1, 2), (1, 3), (1, 4))


def sightings(*columns: tuple[int, int, int]) -> Sightings:
    """Return sightings of the first records: (unseen, begin, end)."""
    unseen, begin, end = (np.array(column, dtype=np.int64) for column in zip(*columns, strict=True))
    return Sightings(RUN, LOW[: len(unseen)], unseen, begin, end, None, 10, 0, 0.0)


def test_a_claim_before_a_poll_that_saw_nothing_is_contradicted() -> None:
    """Said to be visible at 90, and a poll begun at 100 did not see it; at 100 and later there is no contradiction."""
    seen = sightings((100, 110, 112), (100, 110, 112), (100, -1, -1), (-1, 100, 102))
    assert contradictions(seen, LOW, np.array([90, 100, 99, 1])).tolist() == LOW[[0, 2]].tolist()


def test_contradicted_records_are_named_and_fail() -> None:
    """Of the run that was followed; of another one the reader knows nothing."""
    seen, claims = sightings((100, 110, 112), (100, 110, 112)), np.array([90, 100])
    found = contradicted(RUN, seen, LOW[:2], claims)
    assert found.examples == {"contradicted": [identity(1, 1)]}
    assert not found.counts.clean
    assert contradicted(Run(1, 1), seen, LOW[:2], claims).counts.clean


def test_who_claims_nothing_is_not_contradicted() -> None:
    """Neither a record that was never visible, nor one that the reader did not follow."""
    seen = sightings((100, 110, 112))
    claims = lows((1, 1), (9, 9))
    assert not len(contradictions(seen, claims, np.array([NEVER, 5])))


def test_delays_have_a_least_and_a_most() -> None:
    """Due at 50, not there at 100, there at 112; what was there at the first look is left out."""
    seen = sightings((100, 110, 112), (-1, 110, 112), (100, -1, -1))
    found = reader_visible_delay(seen, LOW, np.array([50, 50, 50, 50]))
    assert (found.least_ns.tolist(), found.most_ns.tolist(), found.unbounded) == ([50], [62], 1)


def test_a_reader_that_followed_nobody_says_nothing() -> None:
    """Without sightings there are neither delays nor contradictions."""
    nothing = np.array([], dtype=np.int64)
    seen = Sightings(None, lows(), nothing, nothing, nothing, None, 0, 0, 0.0)
    assert not len(contradictions(seen, LOW, np.array([1, 2, 3, 4])))
    assert not len(reader_visible_delay(seen, LOW, np.array([1, 2, 3, 4])).most_ns)
