"""Live figures have to be right and in time; the trial has to tell."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from seawall.experiments.analytics_judgement import judged, outcome_of, reasons_of, targets_of
from seawall.result import AuditCounts, Outcome, Quantiles, Trial
from seawall.result.live_analytics import LOG, QUERIES, AnalyticsFinding

GOOD = AnalyticsFinding(
    arm=LOG, trial="01", windows=5, results=20, counted=97, repeated=4, too_late=3,
    behind_ms=Quantiles(p95=300.0, max=400.0), outcome=Outcome.PASS,
)  # fmt: skip
TRIAL = Trial(
    name="01", kind="load", arm=LOG, block=1, entity="orders", started_at="", users=1,
    audit=AuditCounts(attempted=100, acknowledged=100, stored=100, log_duplicates=4),
)  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "outcome", "said"),
    [
        ({}, Outcome.PASS, ""),
        ({"differing": 2}, Outcome.FAIL, "2 windows are not those of the table"),
        ({"counted": 96}, Outcome.FAIL, "96 counted and 3 too late are not the 100 rows"),
        ({"repeated": 5}, Outcome.FAIL, "5 repeats were noticed, and 4 lie in the log"),
        ({"behind_ms": Quantiles(max=1_001.0)}, Outcome.FAIL, "1,001 ms behind, at most 1,000 ms"),
        ({"arm": QUERIES, "behind_ms": Quantiles(max=5_000.0)}, Outcome.PASS, ""),
        ({"behind_ms": Quantiles()}, Outcome.FAIL, "for ever behind"),
    ],
)
def test_wrong_or_late_figures_fail(changes: dict[str, Any], outcome: Outcome, said: str) -> None:
    """Queries that are late are an answer and no FAIL."""
    found, reasons = judged(msgspec.structs.replace(GOOD, **changes), TRIAL, settled=True)
    assert found is outcome
    assert said in "; ".join(reasons)


def test_a_late_feed_says_nothing_of_delays_but_wrong_figures_stay_wrong() -> None:
    """INVALID hides no FAIL of the audit's kind."""
    late = msgspec.structs.replace(TRIAL, outcome=Outcome.INVALID, reasons=["the feed itself was late"])
    slow = msgspec.structs.replace(GOOD, behind_ms=Quantiles(max=9_000.0))
    assert judged(slow, late, settled=True) == (Outcome.INVALID, ["the feed itself was late"])
    assert judged(msgspec.structs.replace(GOOD, differing=1), late, settled=True)[0] is Outcome.FAIL
    assert judged(GOOD, TRIAL, settled=False)[0] is Outcome.FAIL
    assert judged(slow, TRIAL, settled=True, others_share=0.05)[0] is Outcome.FAIL
    assert judged(slow, TRIAL, settled=True, others_share=0.5)[0] is Outcome.INVALID


def test_a_run_is_as_good_as_its_worst_trial() -> None:
    """One that ended early says nothing; the claims have a row each."""
    failed = msgspec.structs.replace(GOOD, outcome=Outcome.FAIL, reasons=["slow"], behind_ms=Quantiles(max=2_000.0))
    assert outcome_of([GOOD], whole=True) is Outcome.PASS
    assert outcome_of([GOOD], whole=False) is Outcome.INVALID
    assert outcome_of([GOOD, failed], whole=False) is Outcome.FAIL
    assert reasons_of([failed])[0] == f"{LOG}: slow"
    assert [(row.metric, row.outcome) for row in targets_of([failed])] == [
        ("behind_max_ms", Outcome.FAIL),
        ("differing_windows", Outcome.PASS),
    ]
