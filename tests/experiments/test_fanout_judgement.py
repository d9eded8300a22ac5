"""Every group has to be right, and storing has to keep its throughput, or the processors have to be why not."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from seawall.experiments.errors import BadOptions
from seawall.experiments.fanout_judgement import judged, outcome_of, reasons_of, targets_of, why
from seawall.experiments.stream_fanout_options import FanoutOptions
from seawall.result import AuditCounts, Outcome, Trial
from seawall.result.fanout import LOG, STUMBLING, FanoutFinding, GroupFigures, RebuildFinding

GROUPS = [
    GroupFigures(name="store-1", kind="store", done=100, right=True),
    *(GroupFigures(name=f"{number}", kind="search", done=100, right=True) for number in range(7)),
]
GOOD = FanoutFinding(
    arm=LOG, trial="04-log-8", count=8, records=100, groups=GROUPS, store_kept=0.85, store_kept_per_cpu_s=0.9,
    cores=1.9, machine_cores=2, outcome=Outcome.PASS,
)  # fmt: skip
TRIAL = Trial(
    name="04-log-8", kind="data", arm=LOG, block=1, entity="orders", started_at="", users=1,
    audit=AuditCounts(attempted=100, acknowledged=100, stored=100),
)  # fmt: skip
BACK = RebuildFinding(rows=100, built=100, took_s=1.0, outcome=Outcome.PASS)


def changed(**changes: Any) -> FanoutFinding:
    """Return a finding that is otherwise good."""
    return msgspec.structs.replace(GOOD, **changes)


def group(**changes: Any) -> list[GroupFigures]:
    """Return the groups, the last of which is otherwise right."""
    return [*GROUPS[:-1], msgspec.structs.replace(GROUPS[-1], **changes)]


@pytest.mark.parametrize(
    ("finding", "settled", "outcome", "said"),
    [
        (GOOD, True, Outcome.PASS, ""),
        (GOOD, False, Outcome.FAIL, "not every group was done"),
        (changed(groups=group(right=False, said="3 not delivered")), True, Outcome.FAIL, "6: 3 not delivered"),
        (changed(groups=group(buried=1)), True, Outcome.FAIL, "1 records were buried by groups that should take"),
        (changed(groups=group(buried=1), what=STUMBLING), True, Outcome.PASS, ""),
        (changed(what=STUMBLING), True, Outcome.FAIL, "one record is to be buried"),
    ],
)
def test_a_trial_fails_where_a_group_is_wrong(
    finding: FanoutFinding, outcome: Outcome, said: str, *, settled: bool
) -> None:
    """Or late, or buries what it should take; the one that is to stumble buries one record."""
    found, reasons = judged(finding, TRIAL, settled=settled)
    assert found is outcome
    assert said in "; ".join(reasons)


def test_what_is_lost_fails_whatever_the_groups_did() -> None:
    """The audit's word comes first."""
    lost = msgspec.structs.replace(TRIAL, outcome=Outcome.FAIL, reasons=["1 lost"])
    assert judged(GOOD, lost, settled=True) == (Outcome.FAIL, ["1 lost"])


def test_storing_keeps_its_throughput_or_the_processors_are_why_not() -> None:
    """Less for the same processor time fails; of other numbers of groups nothing is claimed."""
    kept = {row.metric: row for row in targets_of([GOOD], [BACK])}
    assert {name: row.outcome for name, row in kept.items()} == {
        "groups_wrong": Outcome.PASS, "store_kept": Outcome.PASS, "rebuilt_differing": Outcome.PASS,
    }  # fmt: skip
    shared = changed(store_kept=0.3)
    assert why(shared).endswith("of 2 cores 1.9 were busy with it, which 8 groups share")
    assert outcome_of([shared], [BACK], whole=True) is Outcome.PASS
    idle = changed(store_kept=0.3, cores=0.5)
    assert why(idle).endswith("so the processors are not why")
    assert outcome_of([idle], [], whole=True) is Outcome.INCONCLUSIVE
    beside = changed(store_kept=0.3, cores=0.5, others_cores=1.4)
    assert "1.4 with other work" in why(beside)
    assert outcome_of([beside], [], whole=True) is Outcome.INVALID
    worse = changed(store_kept=0.3, store_kept_per_cpu_s=0.5)
    assert outcome_of([worse], [], whole=True) is Outcome.FAIL
    assert outcome_of([changed(count=4, store_kept=0.1, store_kept_per_cpu_s=0.1)], [], whole=True) is Outcome.PASS
    assert outcome_of([GOOD], [], whole=False) is Outcome.INVALID
    gone = RebuildFinding(rows=100, built=99, differing=1, outcome=Outcome.FAIL)
    assert outcome_of([GOOD], [gone], whole=True) is Outcome.FAIL
    assert reasons_of([GOOD])[-1].startswith("One trial each")


def test_the_plan_grows_by_numbers_and_ends_with_what_goes_wrong() -> None:
    """One group alone has nothing to be copied for; a slow one is tried both ways."""
    assert [plan.name for plan in FanoutOptions(groups=(1, 2, 8)).trials()] == [
        "log-1", "log-2", "database-2", "log-8", "database-8", "log-8-slow", "database-8-slow", "log-8-stumbling",
    ]  # fmt: skip
    assert [plan.name for plan in FanoutOptions(groups=(1,)).trials()] == ["log-1"]
    with pytest.raises(BadOptions) as error:
        FanoutOptions(groups=(4, 2), records=1, ways=("post",)).validate()
    assert len(error.value.mistakes) == 3
