"""Whether a fault was borne, from trials of which all is known."""

from __future__ import annotations

import msgspec
import pytest

from seawall.experiments.fault_figures import FaultFigures
from seawall.experiments.fault_judgement import judged, outcome_of, reasons_of
from seawall.result import Arm, AuditCounts, FaultFinding, Outcome, SlopeFinding, Trial
from seawall.stack.faults.catalogue import CATALOGUE

FINE = FaultFigures(
    detect_s=0.1,
    recover_s=1.0,
    left_s=20.0,
    bad_before=0.0,
    failed=0,
    failed_orders=0,
    refused=0,
    refused_p50_ms=None,
    refused_p99_ms=None,
)
TRIAL = Trial(name="t", kind="load", arm="kafka", block=1, entity="mixed", started_at="", users=1)
BIT = "something happened"


def verdict(
    fault: str = "kill-sink",
    path: str = "kafka",
    bit: str = BIT,
    error: str = "",
    *,
    trial: Trial = TRIAL,
    lookups_failed: int = 0,
    **figures: object,
) -> tuple[Outcome, str]:
    """Return the outcome of a fault, and its reasons together."""
    found = FaultFigures(**{**FINE.__dict__, **figures})
    outcome, reasons = judged(CATALOGUE[fault], path, bit, error, found, trial, lookups_failed=lookups_failed)
    return outcome, "; ".join(reasons)


def test_what_was_borne_passes_without_a_word() -> None:
    """Clients may notice it, where it is on their way."""
    assert verdict() == (Outcome.PASS, "")
    assert verdict("kill-api", failed=100) == (Outcome.PASS, "")
    assert verdict("kill-postgres", "sync", failed=100, refused=100, refused_p50_ms=3.0) == (Outcome.PASS, "")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"failed": 3}, "3 requests failed, and nothing that they need was touched"),
        ({"fault": "kill-postgres", "failed": 5, "failed_orders": 4}, "1 requests failed"),
        ({"recover_s": None}, "not as before when the run ended"),
        ({"recover_s": 15.5}, "it took 15.5 s"),
        ({"fault": "kill-api", "recover_s": 3.5}, "it took 3.5 s"),
        ({"fault": "kill-postgres", "path": "sync", "refused_p50_ms": 900.0}, "refusals came late"),
        ({"trial": msgspec.structs.replace(TRIAL, audit=AuditCounts(lost=2))}, "2 lost"),
        ({"trial": msgspec.structs.replace(TRIAL, audit=AuditCounts(duplicates=1))}, "1 duplicates"),
        ({"trial": msgspec.structs.replace(TRIAL, outcome=Outcome.FAIL, reasons=["not drained"])}, "not drained"),
    ],
)
def test_what_was_not_borne_fails_and_says_why(given: dict[str, object], words: str) -> None:
    """Whatever else is said."""
    outcome, said = verdict(**given)  # type: ignore[arg-type]
    assert outcome is Outcome.FAIL
    assert words in said


def test_what_is_lost_counts_although_nothing_shows_that_the_fault_bit() -> None:
    """And although the instrument was late."""
    trial = msgspec.structs.replace(TRIAL, audit=AuditCounts(lost=1), invalid_because=["late"])
    assert verdict(bit="", trial=trial)[0] is Outcome.FAIL


def test_a_fault_without_effect_says_nothing() -> None:
    """Nor does one that could not be made, nor a trial that is no measurement."""
    assert verdict(bit="") == (Outcome.INVALID, "it did not bite: nothing shows that it had effect")
    assert verdict(error="no rights")[0] is Outcome.INVALID
    assert (
        verdict(trial=msgspec.structs.replace(TRIAL, invalid_because=["the generator was late"]))[0] is Outcome.INVALID
    )


def test_orders_may_be_refused_while_nobody_can_vouch_for_what_they_name() -> None:
    """On a path that the database is not on."""
    assert verdict("kill-postgres", failed=4, failed_orders=4) == (Outcome.PASS, "")
    assert verdict("kill-sink", failed=4, failed_orders=4)[0] is Outcome.FAIL


def test_lookups_may_fail_only_where_the_api_or_the_database_is_touched() -> None:
    """Without Valkey they go to the database, and no path of writes is in their way."""
    for fault in ("kill-api", "kill-postgres", "silence-api-postgres", "lock-tables"):
        assert verdict(fault, "kafka", lookups_failed=2)[0] is Outcome.PASS
    for fault in ("kill-valkey", "silence-api-valkey", "kill-broker", "kill-sink"):
        outcome, said = verdict(fault, "kafka", lookups_failed=2)
        assert outcome is Outcome.FAIL
        assert "2 lookups failed" in said


def test_where_much_was_bad_before_only_what_became_of_records_counts() -> None:
    """A service that was late already cannot be seen to be as before."""
    outcome, said = verdict(recover_s=None, bad_before=0.5)
    assert outcome is Outcome.INVALID
    assert "50% of the requests" in said
    lost = msgspec.structs.replace(TRIAL, audit=AuditCounts(lost=2))
    assert verdict(recover_s=None, bad_before=0.5, trial=lost)[0] is Outcome.FAIL


def test_a_short_trial_is_not_asked_when_all_was_as_before() -> None:
    """It ends too early for that; everything else is asked."""
    assert verdict(recover_s=None, left_s=14.9)[0] is Outcome.PASS
    assert verdict(recover_s=None, left_s=15.0)[0] is Outcome.FAIL
    assert verdict("kill-api", recover_s=None, left_s=3.0)[0] is Outcome.FAIL
    assert verdict(failed=1, left_s=1.0)[0] is Outcome.FAIL


def test_a_run_is_as_good_as_its_worst_fault() -> None:
    """One that ended early says nothing, unless something failed."""

    def finding(outcome: Outcome) -> FaultFinding:
        return FaultFinding(name="kill-api", does="", arm="kafka", trial="t", seed=1, outcome=outcome)

    good, bad, dull = (finding(one) for one in (Outcome.PASS, Outcome.FAIL, Outcome.INVALID))
    assert outcome_of([good, good], whole=True) is Outcome.PASS
    assert outcome_of([good, dull], whole=True) is Outcome.INVALID
    assert outcome_of([good, dull, bad], whole=True) is Outcome.FAIL
    assert outcome_of([good], whole=False) is Outcome.INVALID
    assert outcome_of([bad], whole=False) is Outcome.FAIL
    assert outcome_of([], whole=True) is Outcome.INVALID
    rising, open_ = (
        SlopeFinding(service="api", metric="memory", unit="%", outcome=one)
        for one in (Outcome.FAIL, Outcome.INCONCLUSIVE)
    )
    assert outcome_of([good], whole=True, memory=[rising]) is Outcome.FAIL
    assert outcome_of([good], whole=True, memory=[open_]) is Outcome.PASS


def test_what_cannot_be_shown_is_said_beside_the_result() -> None:
    """Of kills, of three brokers on one machine, of data in memory, and of what was left out."""
    finding = FaultFinding(
        name="kill-broker", does="", arm="kafka", trial="t", seed=1, outcome=Outcome.PASS, recovery_asked=True
    )
    arm = Arm(name="kafka", path="kafka", durability="3 replicas, min ISR 2, page cache")
    said = " ".join(
        reasons_of([finding], {"kill-controller": "the only broker is the controller"}, arm, in_memory=True)
    )
    for words in ("page cache", "one failure domain", "lay in memory", "kill-controller was left out"):
        assert words in said
    plain = Arm(name="sync", path="sync", durability="fsync")
    assert reasons_of([msgspec.structs.replace(finding, name="pause-api")], {}, plain, in_memory=False) == []
    hasty = msgspec.structs.replace(finding, name="pause-api", recovery_asked=False)
    assert "1 of 1 trials ended too soon" in reasons_of([hasty], {}, plain, in_memory=False)[0]
