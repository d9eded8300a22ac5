"""Any combination of planted faults is found, each by its ids, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from small_logs import RUN, TOPIC, log_of, low_of

from seawall.audit.committed import CommittedSamples
from seawall.audit.ledger import NEVER
from seawall.audit.log import Gap, LogRecords
from seawall.audit.offsets import committed_ahead, gaps, inconsistent_with_letters
from seawall.audit.order import order_in_log, order_of_visibility
from seawall.audit.reconcile import NAMED, Found, Reconciliation, Sent, identity_text, reconcile
from seawall.audit.rows import DeadLetters

USERS, EACH, PARTITIONS = 4, 12, 2
RECORDS = USERS * EACH
VISIBLE_NS, SAMPLED_NS, LATE_NS = 1, 2, 3

FATES = (
    "stored", "stored", "stored", "never_logged", "not_stored", "pending", "corrupted", "duplicates", "dead_lettered",
    "log_duplicates", "unknown_stored", "unknown_missing", "refused", "refused_yet_stored", "inconsistent_offsets",
    "offsets_ahead", "gap",
)  # fmt: skip
"""What may happen to a record; *gap* loses the offset after it, and no record."""

NOT_SENT = range(RECORDS, RECORDS + 3)


@dataclass
class World:
    """Rows, log and letters as the fates of all records leave them.

    Record *n* is the one that user ``n % USERS`` sent as its number ``n // USERS + 1``.
    """

    fates: list[str]
    rows: list[tuple[int, int]] = field(default_factory=list)
    letters: list[tuple[int, int, int]] = field(default_factory=list)
    log: list[tuple[int, int, int]] = field(default_factory=list)
    visible: list[int] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    ends: list[int] = field(default_factory=lambda: [0] * PARTITIONS)

    def __post_init__(self) -> None:
        pending = [number for number, fate in enumerate(self.fates) if fate == "pending"]
        for number, fate in enumerate(self.fates):
            if fate != "pending":
                self._happen(number, fate)
        self.committed = dict(enumerate(self.ends))
        # Behind everything else, where the group has not been yet.
        for number in pending:
            self._append(number, NEVER)

    def _happen(self, number: int, fate: str) -> None:
        partition = number % PARTITIONS
        if fate not in ("never_logged", "refused", "refused_yet_stored", "unknown_missing"):
            self._append(number, {"not_stored": NEVER, "offsets_ahead": LATE_NS}.get(fate, VISIBLE_NS))
        if fate == "log_duplicates":
            self._append(number, VISIBLE_NS)
        if fate == "gap":
            self.gaps.append(Gap(partition, self.ends[partition], self.ends[partition]))
            self.ends[partition] += 1
        if fate in ("dead_lettered", "inconsistent_offsets"):
            self.letters.append(
                (number if fate == "dead_lettered" else NOT_SENT[1], partition, self.ends[partition] - 1)
            )
        if fate not in ("never_logged", "not_stored", "dead_lettered", "unknown_missing", "refused"):
            self.rows += [(number, number + (fate == "corrupted"))] * (2 if fate == "duplicates" else 1)

    def _append(self, number: int, visible: int) -> None:
        partition = number % PARTITIONS
        self.log.append((number, partition, self.ends[partition]))
        self.visible.append(visible)
        self.ends[partition] += 1

    def numbers(self, *fates: str) -> list[int]:
        """Return the records with one of these fates."""
        return [number for number, fate in enumerate(self.fates) if fate in fates]


def low(number: int) -> int:
    """Return the lower bits of a record."""
    return low_of(number % USERS, number // USERS + 1)


def audited(world: World, phantoms: list[int]) -> Reconciliation:
    """Reconcile a world."""
    fates = np.array(world.fates)
    sent_low = np.array([low(number) for number in range(RECORDS)], dtype=np.uint64)
    unknown = np.char.startswith(fates, "unknown")
    refused = np.char.startswith(fates, "refused")
    accepted = ~unknown & ~refused
    rows = world.rows + [(number, 0) for number in phantoms]
    row_low = np.array([low(number) for number, _ in rows], dtype=np.uint64)
    letters = DeadLetters(
        np.array([low(number) for number, _, _ in world.letters], dtype=np.uint64),
        np.array([partition for _, partition, _ in world.letters], dtype=np.int32),
        np.array([offset for _, _, offset in world.letters], dtype=np.int64),
    )
    log: LogRecords = log_of(
        np.array([low(number) for number, _, _ in world.log], dtype=np.uint64),
        partition=[partition for _, partition, _ in world.log],
        offset=[offset for _, _, offset in world.log],
        committed=world.committed,
        gaps=tuple(world.gaps),
    )
    samples = {
        (TOPIC, partition): CommittedSamples(*(np.array([value]) for value in (SAMPLED_NS, SAMPLED_NS, end, end)))
        for partition, end in world.committed.items()
    }
    visible_ns = np.array(world.visible, dtype=np.int64)
    found = Found(row_low, np.array([digest for _, digest in rows], dtype=np.int64), letters.low, log.low, log.ahead)
    whole = reconcile(RUN, Sent(sent_low, accepted, refused, np.arange(RECORDS)), found)
    whole.add(order_in_log(RUN, sent_low[accepted], log))
    whole.add(order_of_visibility(RUN, row_low, log, visible_ns))
    whole.add(gaps(log))
    whole.add(inconsistent_with_letters(RUN, log, letters))
    whole.add(committed_ahead(RUN, log, visible_ns, np.concatenate([row_low, letters.low]), samples))
    return whole


def behind(world: World) -> list[int]:
    """Return, record by record, which acknowledged ones lie behind a later one of their user, the first time."""
    late = []
    for place, (number, partition, _) in enumerate(world.log):
        before = [one for one, there, _ in world.log[:place] if there == partition and one % USERS == number % USERS]
        if world.fates[number].startswith(("unknown", "refused")) or number in before:
            continue
        if any(one > number and not world.fates[one].startswith("unknown") for one in before):
            late.append(number)
    return late


def early(world: World) -> list[int]:
    """Return, record by record, which stored ones were visible before one of a lower offset."""
    stored = {number for number, _ in world.rows}
    found = set()
    for place, (number, partition, _) in enumerate(world.log):
        if number not in stored:
            continue
        before = [
            visible
            for (one, there, _), visible in zip(world.log[:place], world.visible, strict=False)
            if there == partition and one in stored
        ]
        if before and world.visible[place] < max(before):
            found.add(number)
    return sorted(found)


@settings(max_examples=100)
@given(
    fates=st.lists(st.sampled_from(FATES), min_size=RECORDS, max_size=RECORDS),
    phantoms=st.lists(st.sampled_from(NOT_SENT), unique=True),
)
def test_what_was_planted_is_found_and_nothing_else(fates: list[str], phantoms: list[int]) -> None:
    """All classes at once, in any number: counts and ids are those that were planted."""
    world = World(fates)
    found = audited(world, phantoms)
    planted = {
        **{name: world.numbers(name) for name in ("never_logged", "not_stored", "pending", "corrupted", "duplicates")},
        "dead_lettered": world.numbers("dead_lettered"),
        "lost": world.numbers("never_logged", "not_stored"),
        "phantom": [*phantoms, *world.numbers("refused_yet_stored")],
        "offsets_ahead": world.numbers("not_stored", "offsets_ahead"),
        "inconsistent_offsets": [NOT_SENT[1]] * len(world.numbers("inconsistent_offsets")),
        "out_of_order": behind(world),
        "visible_out_of_order": early(world),
    }
    for name, numbers in planted.items():
        assert getattr(found.counts, name) == len(numbers), name
        named = found.examples.get(name, [])
        assert len(named) == min(len(numbers), NAMED)
        assert set(named) <= {identity_text(RUN, low(number)) for number in numbers}
        assert len(set(named)) == len(named) or name == "inconsistent_offsets"
    assert found.counts.unknown == len(world.numbers("unknown_stored", "unknown_missing"))
    assert found.counts.unknown_stored == len(world.numbers("unknown_stored"))
    assert found.counts.log_duplicates == len(world.numbers("log_duplicates"))
    assert found.counts.gaps == len(world.numbers("gap"))
    assert found.counts.attempted == RECORDS
    harmless = not any(numbers for name, numbers in planted.items() if name != "dead_lettered")
    assert found.counts.clean == (harmless and not found.counts.gaps)
