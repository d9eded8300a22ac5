"""What trials of the cache fleet conclude, and what becomes of the claims."""

from __future__ import annotations

from typing import Any

import pytest

from seawall.experiments.fleet_judgement import claims_of, judged, outcome_of
from seawall.result import Outcome, Quantiles, Trial
from seawall.result.cache_fleet import FleetFinding

REFRESH_S = 50.0


def finding(arm: str, **rest: Any) -> FleetFinding:
    """Return a trial as it should be."""
    cached = {
        "source": "cache", "begun": "cold" if arm == "cold" else "warm", "hits": 3_000, "load_queries_per_min": 4.8,
        "api_queries_per_min": 0.0, "pick_ms": Quantiles(p50=0.2, samples=3_000), "bare_p50_ms": 0.1,
        "filled_s": 0.0, "age_max_s": 49.0, "load_longest_s": 0.5,
    }  # fmt: skip
    plain = {
        "source": "database", "pick_queries_per_min": 3_000.0, "api_queries_per_min": 3_000.0,
        "pick_ms": Quantiles(p50=1.0, samples=3_000),
    }  # fmt: skip
    given = {"orders": 3_000, "outcome": Outcome.PASS, **(plain if arm == "database" else cached), **rest}
    return FleetFinding(arm=arm, trial=f"1000-{arm}", rows=1_000, **given)


def trial(**rest: Any) -> Trial:
    """Return the trial below it."""
    given: dict[str, Any] = {"outcome": Outcome.PASS, "duration_s": 60.0, **rest}
    return Trial(
        name="1000-warm", kind="load", arm="warm", block=1, entity="orders", started_at="2026-01-01T00:00:00+00:00",
        users=8, **given,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("found", "below", "outcome", "said"),
    [
        pytest.param(finding("warm"), trial(), Outcome.PASS, "", id="as it should be"),
        pytest.param(
            finding("warm"), trial(outcome=Outcome.FAIL, reasons=["1 lost"]), Outcome.FAIL, "1 lost", id="lost"
        ),
        pytest.param(finding("warm"), trial(invalid_because=["late"]), Outcome.INVALID, "late", id="a late instrument"),
        pytest.param(finding("warm"), trial(unsent=3), Outcome.INVALID, "3 orders of the schedule", id="not all made"),
        pytest.param(finding("warm", filled_s=1.5), trial(), Outcome.INVALID, "was not full", id="warm but not full"),
        pytest.param(finding("cold", filled_s=1.5), trial(), Outcome.PASS, "", id="cold and not full"),
        pytest.param(finding("cold", filled_s=None), trial(), Outcome.INVALID, "never filled", id="never full"),
        pytest.param(finding("warm", load_failures=2), trial(), Outcome.INVALID, "2 loads failed", id="loads fail"),
        pytest.param(
            finding("database", nobody=3), trial(), Outcome.INVALID, "neither cache nor database", id="nobody"
        ),
        pytest.param(finding("warm"), trial(duration_s=20.0), Outcome.INCONCLUSIVE, "read anew", id="too short"),
        pytest.param(finding("database"), trial(duration_s=20.0), Outcome.PASS, "", id="short without a cache"),
    ],
)
def test_each_trial_has_its_outcome(found: FleetFinding, below: Trial, outcome: Outcome, said: str) -> None:
    """And a reason, unless it passed."""
    got, reasons = judged(found, below, REFRESH_S)
    assert got is outcome
    assert said in "; ".join(reasons)
    assert bool(reasons) == (outcome is not Outcome.PASS)


def test_claims_compare_the_arms_of_one_size() -> None:
    """The queries of picks, loader and API together; and a reason why a round trip cannot be a hundred times faster."""
    found = {claim.name: claim for claim in claims_of([finding("database"), finding("warm")], REFRESH_S)}
    assert found["database queries saved"].holds is True
    assert "5 a minute in place of 6,000" in found["database queries saved"].measured
    assert "from 240 statements a minute on" in found["database queries saved"].why
    assert found["lookups quicker, p50"].holds is False
    assert found["lookups quicker, p50"].measured.startswith("5 times")
    assert "10.0 times" in found["lookups quicker, p50"].why
    assert found["age of answers"].holds is True


def test_what_an_invalid_trial_would_show_is_not_told() -> None:
    """Neither that a claim holds nor that it does not."""
    untold = finding("database", outcome=Outcome.INVALID)
    claims = list(claims_of([untold, finding("warm")], REFRESH_S))
    assert [claim.holds for claim in claims if claim.name != "age of answers"] == [None, None]


def test_a_run_that_ended_early_says_nothing_unless_it_failed() -> None:
    """As every experiment."""
    assert outcome_of([finding("warm")], whole=True) is Outcome.PASS
    assert outcome_of([finding("warm")], whole=False) is Outcome.INVALID
    assert outcome_of([finding("warm", outcome=Outcome.FAIL)], whole=False) is Outcome.FAIL
